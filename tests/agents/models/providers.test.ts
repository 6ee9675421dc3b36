import { describe, expect, onTestFinished, test } from 'vitest'
import { missingModel } from '../../../src/agents/models/missing.ts'
import type { ModelProvider } from '../../../src/agents/models/provider.ts'
import { openProvider, providers } from '../../../src/agents/models/providers.ts'
import { loadConfig, type Config } from '../../../src/platform/config/config.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { vllmServer } from '../../support/vllm-client.ts'

function configOf(env: Record<string, string>): Config {
  const loaded = loadConfig({ env, cwd: '/nonexistent', root: '/nonexistent' })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return loaded.config
}
const open = (env: Record<string, string>, candidates?: readonly ModelProvider[]) =>
  openProvider(
    { config: configOf(env), logger: silentLogger, step: () => undefined, onBackground: () => undefined },
    candidates,
  )

/** Every provider, except that opening the embedded one finds no model file. */
const withoutModelFile = providers.map((provider): ModelProvider =>
  provider.name === 'embedded' ? { ...provider, open: async () => ({ advice: 'Set MODEL_PATH.' }) } : provider,
)

describe('openProvider', () => {
  test('prefers vLLM where VLLM_URL is set', async () => {
    const { url } = await vllmServer()
    const { model, modelOf: _, ...described } = await open({ VLLM_URL: url }, withoutModelFile)
    expect(described).toEqual({ kind: 'real', what: `vLLM at ${url}` })
    expect((await model.info()).kind).toBe('vllm')
    await model.close()
  })

  test('opens vLLM servers that cannot be reached, and reports it', async () => {
    const { model, atStart } = await open({ VLLM_URL: 'http://127.0.0.1:1' })
    expect(atStart).toMatch(/^not reachable: http:\/\/127\.0\.0\.1:1 cannot be reached/)
    await model.close()
  })

  test('opens the next configured provider with the advice of one that has no model', async () => {
    const { model, modelOf: _, ...described } = await open({}, withoutModelFile)
    expect(described).toEqual({ kind: 'missing', what: 'none', warning: 'Set MODEL_PATH.' })
    expect(await model.health()).toEqual({ status: 'warn', code: 'model_unavailable', message: 'Set MODEL_PATH.' })
  })

  test('refuses vLLM servers with different models unless VLLM_MODEL names one', async () => {
    const [large, small] = [await vllmServer({ model: 'large' }), await vllmServer({ model: 'small' })]
    const VLLM_URL = `${large.url},${small.url}`
    await expect(open({ VLLM_URL })).rejects.toMatchObject({
      code: 'model_unknown',
      message: expect.stringMatching(/serve large and small, .* Set VLLM_MODEL/) as string,
    })
    const { model, modelOf, atStart } = await open({ VLLM_URL, VLLM_MODEL: 'large' })
    onTestFinished(() => model.close())
    expect(atStart).toBeUndefined()
    expect(await Promise.all([model.info(), modelOf('small').info()])).toMatchObject([
      { model: 'large' },
      { model: 'small' },
    ])
  })

  test('skips providers that the settings do not ask for', async () => {
    const unused = missingModel('unused')
    const unasked: ModelProvider = {
      name: 'unasked',
      isConfigured: () => false,
      open: () => Promise.reject(new Error('opened')),
    }
    const asked: ModelProvider = {
      name: 'asked',
      isConfigured: () => true,
      open: async () => ({ model: unused, modelOf: () => unused, kind: 'real', what: 'asked' }),
    }
    expect(await open({}, [unasked, asked])).toMatchObject({ what: 'asked' })
  })
})
