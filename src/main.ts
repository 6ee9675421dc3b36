import { readFileSync } from 'node:fs'
import { runCli } from './cli/program.ts'
import { systemClock } from './platform/clock.ts'
import { loadConfig, repositoryRoot } from './platform/config/config.ts'

/** The composition root: gives the command line this process's streams, clock, environment and signals. */
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const { stdout, stderr, env } = process

// Only this user may read the files of this process and of its children, whatever the umask of the shell.
process.umask(0o077)

const interrupted = new AbortController()
const insisted = new AbortController()
let hasServed = false
const ended = new Promise<NodeJS.Signals>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // The second signal ends the process at once, without an orderly shutdown.
      if (interrupted.signal.aborted) {
        insisted.abort()
        process.exit(130)
      }
      interrupted.abort()
      resolve(signal)
    })
})

const exitCode = await runCli(process.argv.slice(2), {
  stdout,
  stderr,
  stdin: () => process.stdin,
  noColor: (env['NO_COLOR'] ?? '') !== '',
  version,
  clock: systemClock,
  loadConfig: () => loadConfig({ env, cwd: repositoryRoot }),
  interrupted: interrupted.signal,
  async serve({ config, roles }) {
    // Loaded only here, so that other commands and the help start fast.
    const [{ serve }, { createSteps }] = await Promise.all([
      import('./cli/serve/serve.ts'),
      import('./cli/serve/steps.ts'),
    ])
    hasServed = true
    return serve({
      config,
      roles,
      version,
      stdout,
      stderr,
      steps: createSteps(stderr, systemClock),
      ended,
      insisted: insisted.signal,
    })
  },
})

// An open connection to a server that hangs would keep the process alive after its shutdown.
if (hasServed) process.exit(exitCode)
process.exitCode = exitCode
