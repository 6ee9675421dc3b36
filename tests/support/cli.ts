import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { runCli, type CliDependencies } from '../../src/cli/program.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { loadConfig } from '../../src/platform/config/config.ts'

export type CliRun = {
  code: number
  stdout: string
  stderr: string
  /** Every line of stdout, parsed. */
  json: () => Record<string, unknown>[]
}

export type CliSetting = Partial<Pick<CliDependencies, 'interrupted' | 'noColor' | 'serve' | 'stdin'>> & {
  /** A terminal this wide. */
  columns?: number
  /** Called with everything printed on stdout so far. */
  onOutput?: (stdout: string) => void
}

/** The URL of a PostgreSQL that refuses connections. */
export const unreachableDatabase = 'postgres://none@127.0.0.1:1/none'

/** A folder in which no council has ever run. */
export const emptyDataDir = (): string => mkdtempSync(join(tmpdir(), 'data-'))

/** Runs one call of the command line in this process, with these settings and no others. */
export async function council(
  settings: Readonly<Record<string, string>>,
  args: readonly string[],
  setting: CliSetting = {},
): Promise<CliRun> {
  const {
    columns,
    onOutput,
    interrupted = new AbortController().signal,
    noColor = false,
    serve = () => Promise.resolve(0),
    stdin = () => Readable.from([]),
  } = setting
  const terminal = columns === undefined ? {} : { isTTY: true, columns }
  const stdout = collector((text) => onOutput?.(text))
  const stderr = collector(() => undefined)
  const env = { DATA_DIR: emptyDataDir(), ...settings }
  const code = await runCli(args, {
    stdout: Object.assign(stdout.stream, terminal),
    stderr: Object.assign(stderr.stream, terminal),
    stdin,
    noColor,
    version: '0.0.0-test',
    clock: systemClock,
    loadConfig: () => loadConfig({ env, cwd: env.DATA_DIR, root: env.DATA_DIR }),
    interrupted,
    serve,
  })
  const lines = () =>
    stdout
      .text()
      .split('\n')
      .filter((line) => line !== '')
  return {
    code,
    stdout: stdout.text(),
    stderr: stderr.text(),
    json: () => lines().map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

function collector(changed: (text: string) => void): { stream: Writable; text: () => string } {
  let text = ''
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      changed(text)
      done()
    },
  })
  return { stream, text: () => text }
}
