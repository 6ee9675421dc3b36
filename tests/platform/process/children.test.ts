import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Child, ChildReport, ChildSpec, RestartPolicy } from '../../../src/platform/process/children.ts'
import { startChild } from '../../../src/platform/process/children.ts'
import { dataPaths } from '../../../src/platform/process/data-dir.ts'
import { endOrphans, writePidFile } from '../../../src/platform/process/orphans.ts'
import { processTable } from '../../../src/platform/process/process-table.ts'
import { startTicks } from '../../../src/platform/process/processes.ts'

/** A program that sends `ready` to its parent and then waits for its end. */
const idle = "process.send?.('ready'); process.on('disconnect', () => {}); setInterval(() => {}, 1e9)"
/** A program that also ignores SIGTERM. */
const stubborn = `process.on('SIGTERM', () => {}); ${idle}`
const fast: RestartPolicy = { pausesMs: [1, 1, 1], stableAfterMs: 60_000 }

const newDir = (): string => mkdtempSync(join(tmpdir(), 'children-'))

/** Starts a program under supervision. `next(kind)` is the next report of that kind. */
async function supervised(dataDir: string, program: string, changes: Partial<ChildSpec> = {}, restarts = fast) {
  const reports: ChildReport[] = []
  let wake = (): void => {}
  const onReport = (report: ChildReport): void => {
    reports.push(report)
    wake()
  }
  const next = async <Kind extends ChildReport['kind']>(kind: Kind): Promise<Extract<ChildReport, { kind: Kind }>> => {
    for (;;) {
      const found = reports.find((report): report is Extract<ChildReport, { kind: Kind }> => report.kind === kind)
      if (found) return found
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  const spec: ChildSpec = {
    name: 'program',
    command: process.execPath,
    args: ['-e', program, dataDir],
    ipc: true,
    waitUntilReady: async (child, signal) => void (await once(child, 'message', { signal })),
    readyTimeoutMs: 10_000,
    stopGraceMs: 10_000,
    ...changes,
  }
  const child = await startChild(spec, { dataDir, onReport, restarts })
  onTestFinished(child.stop)
  return { child, next, reports }
}

const pidOf = (child: Child): number => child.pid() ?? Number.NaN
const pidFiles = (dataDir: string): string[] => readdirSync(dataPaths(dataDir).run)

describe('a child', () => {
  test('is ready after its start, writes to its log, and is gone with its pid file after its stop', async () => {
    const dataDir = newDir()
    const { child, reports } = await supervised(dataDir, `console.log('out'); console.error('err'); ${idle}`)
    const pid = pidOf(child)
    expect(pidFiles(dataDir)).toEqual(['program.json'])
    await child.stop()
    expect(startTicks(pid)).toBeUndefined()
    expect(pidFiles(dataDir)).toEqual([])
    expect(readFileSync(join(dataPaths(dataDir).logs, 'program.log'), 'utf8')).toBe('out\nerr\n')
    expect(reports).toEqual([])
  })

  test('has a process group of its own, so that Ctrl-C does not reach it', async () => {
    const { child } = await supervised(newDir(), idle)
    const group = (pid: number): string | undefined =>
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[2]
    expect(group(pidOf(child))).toBe(String(pidOf(child)))
    expect(group(process.pid)).not.toBe(String(pidOf(child)))
  })

  test('that ignores SIGTERM is killed after its grace period, together with its own children', async () => {
    const dataDir = newDir()
    const program = `const { pid } = require('node:child_process').spawn('sleep', ['1000']); console.log(pid); ${stubborn}`
    const { child } = await supervised(dataDir, program, { stopGraceMs: 50 })
    const pid = pidOf(child)
    const grandchild = Number(readFileSync(join(dataPaths(dataDir).logs, 'program.log'), 'utf8'))
    expect(processTable.runs(grandchild, ['sleep', '1000'])).toBe(true)
    await child.stop()
    expect([startTicks(pid), startTicks(grandchild)]).toEqual([undefined, undefined])
  })

  test('that dies is started again, and both are reported', async () => {
    const { child, next } = await supervised(newDir(), idle)
    const pid = pidOf(child)
    process.kill(pid, 'SIGKILL')
    expect(await next('ended')).toEqual({
      kind: 'ended',
      name: 'program',
      fault: { code: 'child_ended', message: 'it ended with SIGKILL' },
      retryInMs: 1,
    })
    expect(await next('restarted')).toEqual({ kind: 'restarted', name: 'program', pid: pidOf(child), attempt: 1 })
    expect(pidOf(child)).not.toBe(pid)
  })

  test('that keeps dying is started again until it lives', async () => {
    const dataDir = newDir()
    const mayLive = join(dataDir, 'may-live')
    const program = `if (require('node:fs').existsSync(${JSON.stringify(mayLive)})) { ${idle} } else { console.error('write: No space left on device'); process.send('ready', () => process.exit(3)); setInterval(() => {}, 1e9) }`
    const { child, next, reports } = await supervised(dataDir, program)
    // It dies more often than the policy has delays: the last delay is used again.
    while (reports.filter(({ kind }) => kind === 'ended').length < 8)
      await next('restarted').then(() => new Promise((resolve) => setImmediate(resolve)))
    expect(await next('ended')).toMatchObject({
      name: 'program',
      fault: { code: 'disk_full', message: expect.stringContaining('it ended with exit code 3') },
    })
    writeFileSync(mayLive, '')
    const until = async (): Promise<void> => {
      reports.length = 0
      await next('restarted')
      if (child.fault() !== undefined || child.pid() === undefined) await until()
    }
    await until()
    expect(child.fault()).toBeUndefined()
    expect(startTicks(pidOf(child))).toBeDefined()
  })

  test.each([
    ['disk_full', 'Error writing to the AOF file: No space left on device'],
    ['disk_full', 'PANIC:  could not write to file: ENOSPC'],
    ['permission_denied', "Can't open the append-only file: Permission denied"],
    ['file_damaged', 'Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup'],
    ['address_in_use', 'Could not create server TCP listening socket: bind: Address already in use'],
    ['out_of_memory', 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
    ['child_ended', 'something else'],
  ])('that ends is reported with a code from its last output: %s for %s', async (code, words) => {
    const dying = `console.error(${JSON.stringify(words)}); ${idle}; setTimeout(() => process.exit(1), 1)`
    const { next } = await supervised(newDir(), dying, {}, { pausesMs: [1e9], stableAfterMs: 1e9 })
    expect(await next('ended')).toMatchObject({ fault: { code }, retryInMs: 1e9 })
  })

  test('that cannot be started again is reported with the reason, and tried again', async () => {
    const dataDir = newDir()
    const mark = join(dataDir, 'second')
    const program = `const fs = require('node:fs'); if (fs.existsSync(${JSON.stringify(mark)})) { console.error('bind: Address already in use'); process.exit(1) } fs.writeFileSync(${JSON.stringify(mark)}, ''); ${idle}`
    const { child, next } = await supervised(dataDir, program)
    process.kill(pidOf(child), 'SIGKILL')
    expect(await next('not_started')).toMatchObject({ fault: { code: 'address_in_use' } })
    expect(child.fault()).toMatchObject({ code: 'address_in_use' })
    rmSync(mark)
    await next('restarted')
    expect(child.fault()).toBeUndefined()
  })

  test('that was stable for long enough gets all its restarts again', async () => {
    const { child, next, reports } = await supervised(newDir(), idle, {}, { pausesMs: [1], stableAfterMs: 0 })
    for (let death = 1; death <= 3; death++) {
      process.kill(pidOf(child), 'SIGKILL')
      expect(await next('restarted')).toMatchObject({ attempt: 1 })
      reports.length = 0
    }
  })

  test('can be stopped while it waits for its restart', async () => {
    const { child, next } = await supervised(newDir(), idle, {}, { pausesMs: [1e9], stableAfterMs: 1e9 })
    process.kill(pidOf(child), 'SIGKILL')
    await next('ended')
    await child.stop()
    expect(child.pid()).toBeUndefined()
  })
})

describe('a start', () => {
  test('fails with the last output of a child that ends before it is ready', async () => {
    const start = supervised(newDir(), "console.error('no such disk'); process.exit(7)")
    await expect(start).rejects.toMatchObject({ code: 'child_not_ready' })
    await expect(start).rejects.toThrow(
      /program did not start: it ended with exit code 7\. The end of .*program\.log:\nno such disk/,
    )
  })

  test('fails, and leaves nothing running, if the child is not ready in time', async () => {
    const dataDir = newDir()
    const start = supervised(dataDir, 'setInterval(() => {}, 1e9)', { readyTimeoutMs: 50 })
    await expect(start).rejects.toThrow('it was not ready within 50 ms')
    expect(await endOrphans(dataDir)).toEqual([])
  })

  test('fails if the program does not exist', async () => {
    const start = supervised(newDir(), '', { command: '/nowhere/redis-server' })
    await expect(start).rejects.toMatchObject({ code: 'child_not_ready' })
  })
})

describe('what a killed council left', () => {
  /** Starts a council that starts one stubborn child and is then killed; resolves with the pid of the child. */
  async function killedCouncil(dataDir: string): Promise<number> {
    const program = `import { startChild } from '${import.meta.resolve('../../../src/platform/process/children.ts')}'
      const spec = { name: 'program', command: process.execPath, args: ['-e', ${JSON.stringify(stubborn)}, process.argv[1]], ipc: true,
        waitUntilReady: (child) => new Promise((resolve) => child.once('message', resolve)), readyTimeoutMs: 10_000, stopGraceMs: 10_000 }
      const child = await startChild(spec, { dataDir: process.argv[1], onReport: () => {} })
      process.stdout.write(String(child.pid()), () => process.kill(process.pid, 'SIGKILL'))`
    const council = spawn(process.execPath, ['--input-type=module', '-e', program, dataDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    council.stdout.on('data', (text) => (said += String(text)))
    await once(council, 'close')
    return Number(said)
  }

  /** A process that waits, whose command line names the folder. */
  async function unsupervised(dataDir: string) {
    const args = ['-e', 'setInterval(() => {}, 1e9)', dataDir]
    const child = spawn(process.execPath, args, { stdio: 'ignore' })
    await once(child, 'spawn')
    return { child, command: [process.execPath, ...args], ended: once(child, 'exit') }
  }

  test('keeps running until the next council ends it', async () => {
    const dataDir = newDir()
    const pid = await killedCouncil(dataDir)
    expect(startTicks(pid)).toBeDefined()
    expect(await endOrphans(dataDir, 50)).toEqual([{ name: 'program', pid }])
    expect(startTicks(pid)).toBeUndefined()
    expect(pidFiles(dataDir)).toEqual([])
    expect(await endOrphans(dataDir)).toEqual([])
  })

  test('is found by its command line if the council died before it recorded the pid', async () => {
    const dataDir = newDir()
    const { child: orphan, command, ended } = await unsupervised(dataDir)
    writePidFile(dataDir, 'program', { command })
    expect(await endOrphans(dataDir)).toEqual([{ name: 'program', pid: orphan.pid }])
    expect(await ended).toEqual([null, 'SIGTERM'])
  })

  test.each([
    ['started at another time', { ticksLater: 1, more: [] }],
    ['has another command line', { ticksLater: 0, more: ['other'] }],
  ])('is not the process with its pid if that %s: a reused pid is never killed', async (_, { ticksLater, more }) => {
    const dataDir = newDir()
    const { child: stranger, command, ended } = await unsupervised(dataDir)
    const pid = stranger.pid ?? 0
    const ticks = startTicks(pid) ?? 0
    const recorded = { pid, startTicks: ticks + ticksLater }
    writePidFile(dataDir, 'program', { command: [...command, ...more], process: recorded })
    expect(await endOrphans(dataDir)).toEqual([])
    expect(startTicks(pid)).toBe(ticks)
    stranger.kill('SIGKILL')
    await ended
  })
})
