import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bootId } from '../../../src/platform/process/boot-id.ts'
import { procTable, psTable } from '../../../src/platform/process/process-table.ts'
import { emptyAfterReboot } from '../../../src/platform/process/same-boot.ts'

/** A program that waits, with a command line that no other process has. */
async function started(): Promise<{ pid: number; command: string[]; end: () => Promise<unknown> }> {
  const args = ['-e', 'setInterval(() => {}, 1e9)', `${Math.random()} with a space`]
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  await once(child, 'spawn')
  const ended = once(child, 'exit')
  onTestFinished(() => void child.kill('SIGKILL'))
  return {
    pid: child.pid ?? 0,
    command: [process.execPath, ...args],
    end: () => {
      child.kill('SIGKILL')
      return ended
    },
  }
}

describe.each([
  ['/proc', procTable],
  ['ps, as on a system without /proc', psTable],
])('a process table from %s', (_, table) => {
  test('knows the start time of a process until it is gone', async () => {
    const { pid, end } = await started()
    expect(table.startOf(pid)).toEqual(expect.any(Number))
    await end()
    expect(table.startOf(pid)).toBeUndefined()
  })

  test('knows a process by its whole command line', async () => {
    const { pid, command, end } = await started()
    expect(table.runs(pid, command)).toBe(true)
    expect(table.running(command)).toEqual([pid])
    expect(table.runs(pid, command.slice(0, -1))).toBe(false)
    expect(table.running([...command, 'more'])).toEqual([])
    await end()
    expect(table.runs(pid, command)).toBe(false)
    expect(table.running(command)).toEqual([])
  })
})

test('the start time of ps is a time of day in UTC', async () => {
  const beforeMs = Date.now()
  const { pid } = await started()
  // ps on Linux counts whole seconds from a rounded boot time.
  expect(Math.abs((psTable.startOf(pid) ?? 0) - beforeMs)).toBeLessThan(60_000)
})

describe('a folder that is emptied after a reboot', () => {
  test('is kept during one boot, and emptied after another or if the system does not identify the boot', () => {
    const dir = mkdtempSync(join(tmpdir(), 'boot-'))
    const file = join(dir, 'file')
    const isKept = (boot: string | undefined): boolean => {
      writeFileSync(file, 'x')
      emptyAfterReboot(dir, boot)
      try {
        return readFileSync(file, 'utf8') === 'x'
      } catch {
        return false
      }
    }
    const boots = ['first', 'first', 'second', 'second', undefined, 'second']
    expect(boots.map(isKept)).toEqual([false, true, false, true, false, false])
  })

  test('identifies this boot', () => expect(bootId()).toBe(bootId()))
})
