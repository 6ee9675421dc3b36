import type { ServerFrame } from '../../api/chat/frames.ts'

export type VoteFrame = Extract<ServerFrame, { type: 'vote' }>

const failures: Record<string, string> = {
  quorum: 'too few members voted',
  dictator: 'the member whose ballot decides did not vote',
}

/** The result of a vote: the ranking with every candidate's member and tally, and the first step of the count. */
export function voteLines(vote: VoteFrame): string[] {
  if (vote.result === 'failed') return [`vote without a result: ${failures[vote.why] ?? vote.why}`]
  const { method, order, tally, winners, winner, tieBreak, candidates, trace } = vote
  const ranks = order.flatMap((group, index) => {
    const rank = order.slice(0, index).flat().length + 1
    return group.map((label) => [`${rank}.`, label, candidates[label] ?? '', String(tally[label] ?? '')])
  })
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...ranks.map((cells) => cells[column]?.length ?? 0)))
  const [firstStep] = trace
  return [
    `vote by ${method.replaceAll('_', ' ')}: ${winner} wins`,
    ...ranks.map(
      ([rank = '', label = '', member = '', points = '']) =>
        `  ${rank.padStart(widths[0] ?? 0)} ${label.padEnd(widths[1] ?? 0)}  ${member.padEnd(widths[2] ?? 0)}  ${points.padStart(widths[3] ?? 0)}`,
    ),
    ...(firstStep === undefined ? [] : [`  ${firstStep}`]),
    ...(tieBreak ? [`  ${winners.join(' and ')} tie; the ${tieBreak.by} takes ${winner}`] : []),
  ]
}

/** The members that preferred another candidate to the winner, in one line; null if none did. */
export function dissentLine(vote: VoteFrame | null): string | null {
  if (vote?.result !== 'decided') return null
  const named = (label: string): string => {
    const member = vote.candidates[label]
    return member === undefined ? label : `${label} (${member})`
  }
  const dissent = Object.entries(vote.dissent)
  if (dissent.length === 0) return null
  return `dissent: ${dissent.map(([member, labels]) => `${member} preferred ${labels.map(named).join(', ')}`).join('; ')}`
}
