import type { Logger } from '../../../platform/logger.ts'
import { spawnModel, type ModelChild } from './spawn.ts'
import { createCounts } from './counts.ts'
import type { FromChild, GenerateJob, JobUpdate, LoadOptions, Messages } from './protocol.ts'
import { ModelError } from '../model.ts'

const firstPauseMs = 500
const longestPauseMs = 30_000

export type Ready = { contextTokens: number; tokensPerSecond: number }

/** Keeps one model process running. All its promises reject with a ModelError. */
export type ModelProcess = {
  /** Resolves when the model is loaded; throws `model_unavailable` when it cannot be, or crashed too often just now. */
  ready: () => Promise<Ready>
  /** Starts a job; `onUpdate` gets its updates up to `end` or `failed`. When the process dies, that is `failed` with `model_interrupted`. */
  start: (job: GenerateJob, onUpdate: (update: JobUpdate) => void) => void
  cancel: (id: number) => void
  /** How many tokens a prompt has. Rejects with `model_unavailable` unless the model is loaded, and when its process dies. */
  count: (messages: Messages) => Promise<number>
  /** Ends the process the hard way; it is started again. For one that no longer answers. */
  kill: (why: string) => void
  /** Id of the newest process. */
  pid: () => number | undefined
  close: () => Promise<void>
}

type State =
  | { name: 'starting'; child: ModelChild; ready: PromiseWithResolvers<Ready>; tooSlow: NodeJS.Timeout }
  | { name: 'ready'; child: ModelChild; ready: Ready }
  | { name: 'pausing'; why: ModelError; timer: NodeJS.Timeout }
  | { name: 'closed' }

export type ModelProcessOptions = LoadOptions & { startTimeoutMs: number; logger: Logger }

/**
 * Starts the process and starts it again whenever it dies: at once after a first crash, later with growing pauses
 * until an answer succeeds again.
 */
export function superviseModel({ startTimeoutMs, logger, ...load }: ModelProcessOptions): ModelProcess {
  const jobs = createJobs()
  const counts = createCounts()
  let crashes = 0
  let state = starting()

  function starting(): State {
    return startingState(
      spawnModel(heard, died),
      load,
      () => kill(`it was not ready within ${startTimeoutMs} ms`),
      startTimeoutMs,
    )
  }

  function heard(message: FromChild): void {
    if (message.type === 'unusable') {
      kill(message.message)
    } else if (message.type === 'counted') {
      counts.answered(message.id, message.tokens)
    } else if (message.type !== 'ready') {
      if (message.type === 'end') crashes = 0
      jobs.update(message)
    } else if (state.name === 'starting') {
      const ready = { contextTokens: message.contextTokens, tokensPerSecond: message.tokensPerSecond }
      clearTimeout(state.tooSlow)
      state.ready.resolve(ready)
      state = { name: 'ready', child: state.child, ready }
      logger.info(
        { ...load, modelPid: state.child.pid, tokensPerSecond: Math.round(ready.tokensPerSecond * 10) / 10 },
        'embedded model is ready',
      )
    }
  }

  function died(reason: string): void {
    jobs.failAll(`The embedded model died: ${reason}`)
    counts.failAll(`it died: ${reason}`)
    if (state.name === 'closed' || state.name === 'pausing') return
    const why = new ModelError('model_unavailable', `The embedded model is not running: ${reason}`)
    crashes += 1
    const pauseMs =
      state.name === 'ready' && crashes === 1 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (crashes - 1))
    logger.error({ reason, pauseMs, crashes }, 'embedded model died and is started again')
    if (state.name === 'starting') {
      clearTimeout(state.tooSlow)
      state.ready.reject(why)
    }
    if (pauseMs === 0) state = starting()
    else state = { name: 'pausing', why, timer: setTimeout(() => (state = starting()), pauseMs) }
  }

  const child = (): ModelChild | undefined => ('child' in state ? state.child : undefined)
  function kill(why: string): void {
    logger.warn({ modelPid: child()?.pid, why }, 'embedded model is killed')
    child()?.kill(why)
  }

  return {
    ready: async () => readiness(state),
    start: (job, onUpdate) => {
      jobs.add(job.id, onUpdate)
      if (state.name === 'ready') state.child.send({ type: 'generate', job })
      else queueMicrotask(() => jobs.fail(job.id, 'The embedded model is not running.'))
    },
    cancel: (id) => child()?.send({ type: 'cancel', id }),
    count: async (messages) => {
      await readiness(state)
      return counts.ask((id) => child()?.send({ type: 'count', id, messages }))
    },
    kill,
    pid: () => child()?.pid,
    close: async () => {
      const last = child()
      if (state.name === 'pausing') clearTimeout(state.timer)
      if (state.name === 'starting') {
        clearTimeout(state.tooSlow)
        state.ready.reject(closed())
      }
      state = { name: 'closed' }
      await last?.close()
    },
  }
}

function startingState(child: ModelChild, options: LoadOptions, late: () => void, startTimeoutMs: number): State {
  child.send({ type: 'load', options })
  const ready = Promise.withResolvers<Ready>()
  // Somebody may ask for it later, or never.
  ready.promise.catch(() => undefined)
  return { name: 'starting', child, ready, tooSlow: setTimeout(late, startTimeoutMs) }
}

const closed = () => new ModelError('model_unavailable', 'The embedded model is closed.')

async function readiness(state: State): Promise<Ready> {
  switch (state.name) {
    case 'ready':
      return state.ready
    case 'starting':
      return state.ready.promise
    case 'pausing':
      throw state.why
    case 'closed':
      throw closed()
    default:
      return state satisfies never
  }
}

/** Who waits for which job. A job is forgotten with its last update. */
function createJobs() {
  const jobs = new Map<number, (update: JobUpdate) => void>()
  const update = (news: JobUpdate): void => {
    const onUpdate = jobs.get(news.id)
    if (news.type === 'end' || news.type === 'failed') jobs.delete(news.id)
    onUpdate?.(news)
  }
  const fail = (id: number, message: string): void => {
    update({ type: 'failed', id, code: 'model_interrupted', message, usage: { promptTokens: 0, completionTokens: 0 } })
  }
  return {
    add: (id: number, onUpdate: (update: JobUpdate) => void) => jobs.set(id, onUpdate),
    update,
    fail,
    failAll: (message: string) => {
      for (const id of [...jobs.keys()]) fail(id, message)
    },
  }
}
