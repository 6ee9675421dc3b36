/** Supervises the process of the embedded model. */

import type { Logger } from '../../../platform/logger.ts'
import { spawnModel, type ModelChild } from './spawn.ts'
import { createCounts } from './counts.ts'
import type { FromChild, GenerateJob, JobUpdate, LoadOptions, Messages } from './protocol.ts'
import { ModelError } from '../model.ts'

const firstPauseMs = 500
const longestPauseMs = 30_000

export type Ready = { contextTokens: number; tokensPerSecond: number }

/** A model process that is restarted whenever it dies. All promises reject with a ModelError. */
export type ModelProcess = {
  /** Resolves when the model is loaded; throws `model_unavailable` when it cannot be loaded, or while a restart is delayed. */
  ready: () => Promise<Ready>
  /** Starts a job. `onUpdate` receives its updates up to `end` or `failed`; if the process dies, that is `failed` with `model_interrupted`. */
  start: (job: GenerateJob, onUpdate: (update: JobUpdate) => void) => void
  cancel: (id: number) => void
  /** Counts the tokens of a prompt. Rejects with `model_unavailable` unless the model is loaded, and when the process dies. */
  count: (messages: Messages) => Promise<number>
  /** Kills a process that no longer responds. It is restarted. */
  kill: (why: string) => void
  /** The id of the newest process. */
  pid: () => number | undefined
  close: () => Promise<void>
}

type State =
  | { name: 'starting'; child: ModelChild; ready: PromiseWithResolvers<Ready>; timeout: NodeJS.Timeout }
  | { name: 'ready'; child: ModelChild; ready: Ready }
  | { name: 'pausing'; why: ModelError; timer: NodeJS.Timeout }
  | { name: 'closed' }

export type ModelProcessOptions = LoadOptions & { startTimeoutMs: number; logger: Logger }

/** Starts the process and supervises it. The first restart is immediate; later ones back off exponentially until an answer succeeds. */
export function superviseModel({ startTimeoutMs, logger, ...load }: ModelProcessOptions): ModelProcess {
  const jobs = createJobs()
  const counts = createCounts()
  let crashes = 0
  let state = starting()

  function starting(): State {
    const onTimeout = () => kill(`it was not ready within ${startTimeoutMs} ms`)
    return startingState(spawnModel(onMessage, onDeath), load, onTimeout, startTimeoutMs)
  }

  function onMessage(message: FromChild): void {
    if (message.type === 'ready') return onReady(message)
    if (message.type === 'unusable') return kill(message.message)
    if (message.type === 'counted') return counts.answered(message.id, message.tokens)
    if (message.type === 'end') crashes = 0
    jobs.update(message)
  }

  function onReady({ contextTokens, tokensPerSecond }: Ready): void {
    if (state.name !== 'starting') return
    const ready = { contextTokens, tokensPerSecond }
    clearTimeout(state.timeout)
    state.ready.resolve(ready)
    state = { name: 'ready', child: state.child, ready }
    logger.info(
      { ...load, modelPid: state.child.pid, tokensPerSecond: Math.round(tokensPerSecond * 10) / 10 },
      'embedded model is ready',
    )
  }

  function onDeath(reason: string): void {
    jobs.failAll(`The embedded model died: ${reason}`)
    counts.failAll(`it died: ${reason}`)
    if (state.name === 'closed' || state.name === 'pausing') return
    const why = new ModelError('model_unavailable', `The embedded model is not running: ${reason}`)
    crashes += 1
    const isFirstCrash = state.name === 'ready' && crashes === 1
    const pauseMs = isFirstCrash ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (crashes - 1))
    logger.error({ reason, pauseMs, crashes }, 'embedded model died; restarting it')
    abandonStart(state, why)
    if (pauseMs === 0) state = starting()
    else state = { name: 'pausing', why, timer: setTimeout(() => (state = starting()), pauseMs) }
  }

  const child = (): ModelChild | undefined => ('child' in state ? state.child : undefined)
  function kill(why: string): void {
    logger.warn({ modelPid: child()?.pid, why }, 'killing the embedded model')
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
      abandonStart(state, closed())
      state = { name: 'closed' }
      await last?.close()
    },
  }
}

function startingState(child: ModelChild, options: LoadOptions, onTimeout: () => void, timeoutMs: number): State {
  child.send({ type: 'load', options })
  const ready = Promise.withResolvers<Ready>()
  // A start may fail before any caller awaits it.
  ready.promise.catch(() => undefined)
  return { name: 'starting', child, ready, timeout: setTimeout(onTimeout, timeoutMs) }
}

function abandonStart(state: State, why: ModelError): void {
  if (state.name !== 'starting') return
  clearTimeout(state.timeout)
  state.ready.reject(why)
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

/** The callbacks of running jobs. The last update of a job removes its callback. */
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
