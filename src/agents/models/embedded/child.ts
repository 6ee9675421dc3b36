import { loadEngine, type Engine } from './engine.ts'
import { ToChild, type FromChild, type GenerateJob, type LoadOptions } from './protocol.ts'

/**
 * The process that holds the embedded model. It lives as long as its IPC channel, which closes even when the council is killed.
 * It ignores Ctrl-C, because it must not end before the council does.
 */
const running = new Map<number, AbortController>()
let engine: Engine | undefined

process.on('SIGINT', () => undefined)
process.on('SIGHUP', () => undefined)
// There is nothing to save, and native threads in the middle of a batch cannot be stopped gracefully.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

process.on('message', (raw) => {
  const message = ToChild.parse(raw)
  switch (message.type) {
    case 'load':
      void load(message.options)
      return
    case 'generate':
      generate(message.job)
      return
    case 'count':
      send({ type: 'counted', id: message.id, tokens: engine?.count(message.messages) ?? null })
      return
    case 'cancel':
      running.get(message.id)?.abort()
      return
    default:
      return message satisfies never
  }
})

function send(message: FromChild): void {
  // A closed channel ends this process anyway, so a failed send needs no handling.
  process.send?.(message, undefined, undefined, () => undefined)
}

async function load(options: LoadOptions): Promise<void> {
  try {
    engine = await loadEngine(options)
    send({ type: 'ready', contextTokens: engine.contextTokens, tokensPerSecond: await engine.measure() })
  } catch (error) {
    send({ type: 'unusable', message: error instanceof Error ? error.message : 'unknown error while loading' })
  }
}

function generate(job: GenerateJob): void {
  if (engine === undefined) {
    send({
      type: 'failed',
      id: job.id,
      code: 'model_interrupted',
      message: 'The model is not loaded.',
      usage: { promptTokens: 0, completionTokens: 0 },
    })
    return
  }
  const stop = new AbortController()
  running.set(job.id, stop)
  engine.generate(
    job,
    (update) => {
      if (update.type === 'end' || update.type === 'failed') running.delete(job.id)
      send(update)
    },
    stop.signal,
  )
}
