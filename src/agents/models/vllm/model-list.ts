/** The models that one vLLM server serves. */

import { orAborted } from '../abort.ts'
import { ModelError, type ModelInfo } from '../model.ts'
import { ModelList } from './wire.ts'

/** A list of `/v1/models` that is kept until a failure. All promises reject with a ModelError or the signal's reason. */
export type ServedModels = {
  /**
   * The named model, or without a name the only one. A list that lacks the name is asked for again once, because the server may have been
   * started anew. Throws ModelError `model_unknown` if the server does not serve the model, or if it serves several and none is named.
   */
  find: (name: string | undefined, signal: AbortSignal) => Promise<ModelInfo>
  /** Whether the kept list contains the name, or without a name, whether there is a list; undefined while there is none. */
  contains: (name: string | undefined) => boolean | undefined
  forget: () => void
}

/** `ask` requests the list; all concurrent callers share one request. */
export function createServedModels(url: string, ask: () => Promise<unknown>): ServedModels {
  let asked: Promise<ModelList> | undefined
  let kept: ModelList | undefined

  const forget = () => {
    asked = undefined
    kept = undefined
  }
  function list(): Promise<ModelList> {
    if (asked) return asked
    const request = ask().then((answer) => parsedList(url, answer))
    asked = request
    request.then(
      (models) => asked === request && (kept = models),
      () => asked === request && forget(),
    )
    return request
  }
  const contains = (name: string | undefined) => kept && (name === undefined || kept.data.some(({ id }) => id === name))

  return {
    find: async (name, signal) => {
      if (contains(name) === false) forget()
      return chosenModel(url, await orAborted(list(), signal), name)
    },
    contains,
    forget,
  }
}

function parsedList(url: string, answer: unknown): ModelList {
  const list = ModelList.safeParse(answer)
  if (list.success) return list.data
  throw new ModelError('model_unavailable', `${url}/v1/models did not answer with a list of models.`, {
    cause: list.error,
  })
}

function chosenModel(url: string, { data: models }: ModelList, wanted: string | undefined): ModelInfo {
  const names = models
    .slice(0, 20)
    .map(({ id }) => id)
    .join(', ')
  const model = wanted === undefined ? models[0] : models.find(({ id }) => id === wanted)
  if (wanted === undefined && models.length > 1)
    throw new ModelError(
      'model_unknown',
      `${url} serves ${models.length} models (${names}), and VLLM_MODEL names none of them.`,
    )
  if (model === undefined && wanted === undefined) throw new ModelError('model_unavailable', `${url} serves no model.`)
  if (model === undefined)
    throw new ModelError(
      'model_unknown',
      `${url} does not serve ${wanted}; it serves ${names || 'no model'}. Check VLLM_MODEL and config/council.json.`,
    )
  const contextTokens = model.max_model_len ?? models.find(({ id }) => id === model.parent)?.max_model_len
  if (contextTokens === undefined || contextTokens === null)
    throw new ModelError('model_unavailable', `${url}/v1/models does not say max_model_len of ${model.id}.`)
  return { model: model.id, kind: 'vllm', contextTokens }
}
