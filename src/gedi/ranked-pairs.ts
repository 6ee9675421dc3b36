import type { Method } from './method.ts'
import { orderByChoice, placesBelow } from './order.ts'
import { majoritiesOf, marginsOf, strongestPaths, type Margins, type Pair } from './pairwise.ts'
import { lockedPairs, type Locked } from './locked-pairs.ts'
import type { Profile } from './profile.ts'
import { wordsOf } from './words.ts'

/**
 * Locks majorities in, the largest margin first, and leaves out each that contradicts those before it; the candidate at the top wins.
 * Where margins tie, every candidate wins that is at the top under some order of the tied pairs, so the count stays neutral. The
 * second place is decided likewise among the other candidates, and so on. Tally: candidates below.
 *
 * Deciding these winners is NP-complete (Brill and Fischer, AAAI 2012), so the search over orders has a bound. If it is reached, the
 * winners are all candidates that the Split Cycle rule leaves undefeated, which contain them, and the trace says so.
 * Source: Tideman, Social Choice and Welfare 4 (1987); ties: Zavist and Tideman (1989).
 */
export const rankedPairs: Method = {
  ballots: 'ranking',
  needsAllCandidates: false,
  talliesWeight: false,
  count(profile) {
    const margin = marginsOf(profile)
    const size = profile.candidates.length
    const effort = { statesLeft: maxStates }
    const order = orderByChoice(size, (from) => winnersAmong(from, margin, effort))
    const isCutShort = effort.statesLeft < 0
    return { tally: placesBelow(order, size), order, trace: traceOf(profile, margin, order[0] ?? [], isCutShort) }
  },
}

/** Closures of locked pairs that one count may visit. */
const maxStates = 500
type Effort = { statesLeft: number }

function winnersAmong(from: readonly number[], margin: Margins, effort: Effort): readonly number[] {
  const strength = strongestPaths(from, margin)
  // A majority that is larger than every path back is locked in under each order, so its loser never wins.
  const undefeated = from.filter((a) => !from.some((b) => margin(b, a) > strength(a, b)))
  if (undefeated.length === 1) return undefeated
  const levels = [...Map.groupBy(majoritiesOf(from, margin), (pair) => pair.margin).values()]
  const winners = new Set(undefeated.filter((candidate) => winsIfFavoured(candidate, levels)))
  const open = undefeated.filter((candidate) => !winners.has(candidate))
  const found = open.length === 0 ? [] : searchOrders(levels, open, effort)
  return found ? undefeated.filter((one) => winners.has(one) || found.includes(one)) : undefeated
}

/** Whether a candidate is at the top if, among tied pairs, those go first that put others below it. */
function winsIfFavoured(candidate: number, levels: readonly (readonly Pair[])[]): boolean {
  let locked = lockedPairs()
  for (const level of levels) {
    const rest = [...level]
    while (rest.length > 0) {
      const below = (one: number): boolean => one === candidate || locked.isAbove(candidate, one)
      const next = rest.findIndex(({ winner, loser }) => below(winner) && !below(loser))
      const [pair] = rest.splice(Math.max(next, 0), 1)
      if (pair && !locked.isAbove(pair.loser, pair.winner)) locked = locked.with(pair)
    }
  }
  return !locked.isBelowAny(candidate)
}

/** The candidates of `open` that are at the top under some order of the tied pairs; null if the bound was reached. */
function searchOrders(levels: readonly (readonly Pair[])[], open: readonly number[], effort: Effort): number[] | null {
  const found = new Set<number>()
  const visited = new Set<string>()
  const waiting: { level: number; locked: Locked }[] = [{ level: 0, locked: lockedPairs() }]
  for (let state = waiting.pop(); state; state = waiting.pop()) {
    let { level, locked } = state
    let tied: readonly Pair[] = []
    for (; level < levels.length && tied.length === 0; level++)
      ({ locked, tied } = locked.withCertain(levels[level] ?? []))
    const possible = open.filter((candidate) => !found.has(candidate) && !locked.isBelowAny(candidate))
    if (possible.length === 0) continue
    if (tied.length === 0) {
      for (const candidate of possible) found.add(candidate)
      continue
    }
    const key = `${level}:${locked.key()}`
    if (visited.has(key)) continue
    effort.statesLeft -= 1
    if (effort.statesLeft < 0) return null
    visited.add(key)
    // The level is entered again with one more of its tied pairs locked.
    for (const pair of tied) waiting.push({ level: level - 1, locked: locked.with(pair) })
  }
  return [...found]
}

function traceOf(profile: Profile, margin: Margins, winners: readonly number[], isCutShort: boolean): string[] {
  const { name, amount, list } = wordsOf(profile)
  let locked = lockedPairs()
  const steps = majoritiesOf([...profile.candidates.keys()], margin).map((pair) => {
    const words = `${name(pair.winner)} > ${name(pair.loser)} by ${amount(pair.margin)}`
    if (locked.isAbove(pair.loser, pair.winner))
      return `left out: ${words}, because ${name(pair.loser)} is already above ${name(pair.winner)}`
    locked = locked.with(pair)
    return `locked: ${words}`
  })
  return [
    winners.length === 1
      ? `${list(winners)} is above all others once the pairs are locked in`
      : `${list(winners)} tie: each is at the top under some order of the pairs with equal margins`,
    ...(isCutShort
      ? [
          `the search over orders stopped after ${maxStates} states; a tie may hold more candidates than ranked pairs elects`,
        ]
      : []),
    ...steps,
  ]
}
