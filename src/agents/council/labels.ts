import type { ElectionRules } from '../../events/election.ts'
import { shuffled } from '../../gedi/seed.ts'

/** A draft under its anonymous label. */
export type LabelledDraft = { label: string; member: string; text: string }

const labelAt = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index)

/** Labels candidates in an order drawn from the election's seed, so that a label says nothing about its candidate. */
export const labelled = <Candidate extends object>(
  candidates: readonly Candidate[],
  seed: string,
): (Candidate & { label: string })[] =>
  shuffled(candidates, seed, 'labels').map((candidate, index) => ({ ...candidate, label: labelAt(index) }))

/** Candidates in an order of the judge's own: judges favour what they read first, so none may be first for all of them. */
export const inOrderOf = <Candidate>(judge: string, candidates: readonly Candidate[], seed: string): Candidate[] =>
  shuffled(candidates, seed, `judge ${judge}`)

/** The drafts that a judge sees, in its order. A judge does not see its own draft unless it may vote for it. */
export const draftsFor = (
  drafts: readonly LabelledDraft[],
  judge: string,
  { seed, ownCandidateAllowed }: Pick<ElectionRules, 'seed' | 'ownCandidateAllowed'>,
): LabelledDraft[] =>
  inOrderOf(
    judge,
    drafts.filter(({ member }) => ownCandidateAllowed || member !== judge),
    seed,
  )
