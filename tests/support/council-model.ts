import type { ModelCall, ModelClient } from '../../src/agents/models/model.ts'
import { missingModel } from '../../src/agents/models/missing.ts'
import { end, text, usage, type ModelStep } from './scripted-model.ts'

/** A call of a deliberation, named `draft analyst`, `vote sceptic`, …; the chair's is `synthesize`, the fast path's `respond`. */
export type CouncilCall = ModelCall & { name: string }

/** A list of all the labels that the constraint of a ballot allows. */
function listIn(constraint: CouncilCall['constraint']): string {
  const schema =
    constraint && 'jsonSchema' in constraint ? (constraint.jsonSchema as { items?: { enum: string[] } }) : {}
  return JSON.stringify(schema.items?.enum ?? [])
}

const drafts: Record<string, string> = {
  analyst: 'The capital of France has been Paris since 987.',
  sceptic: 'It is Paris, although Vichy was the seat from 1940 to 1944.',
  pragmatist: 'Paris.',
}

const answer = (said: string): ModelStep[] => [usage(20, 5), text(said), end()]

function usual({ name, constraint, messages }: CouncilCall): ModelStep[] {
  const [phase, member = ''] = name.split(' ')
  if (phase === 'draft') return answer(drafts[member] ?? 'Paris.')
  if (phase === 'critique') return answer('Every answer is right.')
  if (phase === 'vote')
    return answer(constraint && 'choices' in constraint ? (constraint.choices[0] ?? '') : listIn(constraint))
  if (phase === 'judge') return verdictFor(messages, 'reward')
  return answer('Paris is the capital of France.')
}

/** The end of the sentence that tells judges what a verdict means. */
const meanings = {
  reject: 'Nothing is paid.',
  reward: 'meets the criteria. The reward is paid.',
  reward_and_bonus: 'a bonus are paid.',
} as const
type Verdict = keyof typeof meanings

/** A ballot of a judge that puts a verdict first, whichever label it has. */
function verdictFor(messages: ModelCall['messages'], verdict: Verdict): ModelStep[] {
  const labels = [...(messages.at(-1)?.content ?? '').matchAll(/^([A-Z]): (.+)$/gm)]
  const [first = '?'] = labels.flatMap(([, label, meaning]) => (meaning?.endsWith(meanings[verdict]) ? [label] : []))
  const others = labels.flatMap(([, label]) => (label === undefined || label === first ? [] : [label]))
  return answer([first, ...others].join(' > '))
}

/**
 * A model that plays every member of a council, and records the calls. `scripts` replaces what it does in the calls of a name; several
 * scripts are for the first call of the name, the second, and so on.
 */
export function councilModel(
  scripts: Readonly<Record<string, ModelStep[] | ModelStep[][]>> = {},
  /** The verdict of each judge of a bounty; by default `reward`. */
  verdicts: Readonly<Record<string, Verdict>> = {},
): ModelClient & { calls: CouncilCall[]; named: (name: string) => CouncilCall[] } {
  const calls: CouncilCall[] = []
  return {
    ...missingModel('not scripted'),
    calls,
    named: (name) => calls.filter((call) => call.name === name),
    info: () => Promise.resolve({ model: 'scripted', kind: 'embedded', contextTokens: 10_000 }),
    async *stream(call) {
      const name = nameOf(call)
      const earlier = calls.filter((other) => other.name === name).length
      const named = { ...call, name }
      calls.push(named)
      const script = scripts[name]
      const steps =
        script && Array.isArray(script[0]) ? (script as ModelStep[][])[earlier] : (script as ModelStep[] | undefined)
      const verdict = verdicts[name.replace('judge ', '')]
      for (const step of steps ?? (verdict ? verdictFor(call.messages, verdict) : usual(named))) {
        if (step instanceof Error) throw step
        if (typeof step === 'function') await step(call)
        else yield step
      }
    },
  }
}

/** The council ends the id of a member's call with phase and member; the call that answers has the request's own id. */
function nameOf({ requestId, messages }: ModelCall): string {
  const [, phase, member] = /-(triage|draft|critique|vote|judge)-([a-z]+)$/.exec(requestId) ?? []
  if (phase !== undefined) return `${phase} ${member}`
  return messages.at(-1)?.content.includes('Material for your answer') ? 'synthesize' : 'respond'
}
