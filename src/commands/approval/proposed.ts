import { maxArgumentCharacters, type Stake } from '../../events/approval.ts'
import type { CommandDefinition, ReadSet } from '../decider.ts'
import { refused, type Refusal } from '../refusals.ts'
import { exactArgumentsOf, type ExactArguments } from './exact-arguments.ts'

/** Finds a command that can be proposed, by its name. */
export type FindAction = (name: string) => CommandDefinition<unknown, ReadSet> | undefined

/** Takes the place of the id that an action gets when it runs, so that its arguments can be checked before. */
const someId = '00000000-0000-7000-8000-000000000000'

/** An action with arguments that its command accepts; a refusal if there is no such action, or its arguments are malformed. */
export function proposed(
  findAction: FindAction,
  action: string,
  given: Record<string, unknown>,
): { exact: ExactArguments; stake: Stake } | Refusal {
  const definition = findAction(action)
  if (!definition?.stake) return refused('action_unknown', { action })
  const { idField } = definition
  const malformed = (reason: string): Refusal => refused('action_malformed', { action, reason: reason.slice(0, 400) })
  if (idField && Object.hasOwn(given, idField))
    return malformed(`${idField} is given when the action runs: leave it out`)
  const parsed = definition.schema.safeParse(idField ? { ...given, [idField]: someId } : given)
  if (!parsed.success)
    return malformed(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
  const exact = exactArgumentsOf(parsed.data, idField)
  if (exact.exactArguments.length > maxArgumentCharacters)
    return malformed(`the arguments are longer than ${maxArgumentCharacters} characters`)
  return { exact, stake: definition.stake(parsed.data) }
}
