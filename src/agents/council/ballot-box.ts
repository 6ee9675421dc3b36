import { OpenElection } from '../../commands/election/open-election.ts'
import type { ElectionRules } from '../../events/election.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import { assertAppended, executeUntilKnown, type Run } from '../run.ts'
import { labelled, type LabelledDraft } from './labels.ts'
import type { Progress } from './progress.ts'
import type { Member, Seating } from './seating.ts'
import type { CouncilDependencies } from './state.ts'

/**
 * Opens the election of an answer, or returns the rules that an earlier attempt opened it by. The seed is drawn here, after the drafts
 * and before any judge has seen them: it decides the labels, the order that each judge sees, and ties.
 */
export async function openBallotBox(
  dependencies: CouncilDependencies,
  run: Run,
  { drafts, rules }: Progress,
): Promise<ElectionRules> {
  if (rules) return rules
  const { seating, newId } = dependencies
  const seed: string = newId()
  const opened: ElectionRules = {
    purpose: 'answer',
    ref: run.requestId,
    candidates: labelled(drafts, seed).map(({ label, member }) => ({ label, standsFor: member, author: member })),
    electorate: seating.members.map(({ id, weight }) => ({ member: id, weight })),
    ownCandidateAllowed: seating.ownDraftAllowed,
    method: seating.method,
    quorum: seating.quorum,
    seed,
  }
  await openElection(dependencies, run, run.requestId, opened)
  return opened
}

/** Opens an election of the run's work. */
export async function openElection(
  dependencies: CouncilDependencies,
  run: Run,
  electionId: Uuid7,
  rules: ElectionRules,
): Promise<void> {
  const { work, attempt } = run
  assertAppended(
    'OpenElection',
    await executeUntilKnown(dependencies, run, OpenElection, { electionId, ...rules, step: { work, attempt } }),
  )
}

/** The members that may judge: those of the electorate that still sit on the council of this worker. */
export const judgesOf = ({ electorate }: ElectionRules, { members }: Seating): Member[] =>
  members.filter(({ id }) => electorate.some(({ member }) => member === id))

/** The drafts under the labels of the election. */
export const labelledBy = ({ candidates }: ElectionRules, { drafts }: Progress): LabelledDraft[] =>
  candidates.flatMap(({ label, author }) => {
    const text = drafts.find(({ member }) => member === author)?.text
    return author === undefined || text === undefined ? [] : [{ label, member: author, text }]
  })
