import { embeddedProvider } from './embedded/provider.ts'
import { missingProvider } from './missing.ts'
import type { ModelProvider, OpenedModel, ProviderContext } from './provider.ts'
import { vllmProvider } from './vllm/provider.ts'

/** All providers, in order of preference. The last one is always configured and always opens. */
export const providers: readonly ModelProvider[] = [vllmProvider, embeddedProvider, missingProvider]

/** Opens the first configured provider that has a model. */
export async function openProvider(
  context: Omit<ProviderContext, 'advice'>,
  candidates: readonly ModelProvider[] = providers,
): Promise<OpenedModel> {
  let advice = ''
  for (const provider of candidates.filter(({ isConfigured }) => isConfigured(context.config))) {
    const opened = await provider.open({ ...context, advice })
    if ('model' in opened) return opened
    advice = opened.advice
  }
  throw new Error('no model provider opened, although the last one always does')
}
