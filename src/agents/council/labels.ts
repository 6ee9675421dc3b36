import type { ElectionRules } from '../../events/election.ts'
import { shuffled } from '../../gedi/seed.ts'

/** A draft under its anonymous label. */
export type LabelledDraft = { label: string; member: string; text: string }

const labelAt = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index)

/** Labels drafts in an order drawn from the election's seed, so that a label says nothing about its author. */
export const labelled = (drafts: readonly { member: string; text: string }[], seed: string): LabelledDraft[] =>
  shuffled(drafts, seed, 'labels').map((draft, index) => ({ ...draft, label: labelAt(index) }))

/**
 * The drafts that a judge sees, in an order of its own: judges favour what they read first, so no draft may be first for all of them.
 * A judge does not see its own draft unless it may vote for it.
 */
export const draftsFor = (
  drafts: readonly LabelledDraft[],
  judge: string,
  { seed, ownCandidateAllowed }: Pick<ElectionRules, 'seed' | 'ownCandidateAllowed'>,
): LabelledDraft[] =>
  shuffled(
    drafts.filter(({ member }) => ownCandidateAllowed || member !== judge),
    seed,
    `judge ${judge}`,
  )
