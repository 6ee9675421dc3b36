import type { ServerFrame } from '../../api/chat/frames.ts'
import type { Output } from '../output.ts'
import { screenBlock, type BlockLine, type ScreenBlock } from './screen-block.ts'
import { dissentLine, voteLines, type VoteFrame } from './vote-report.ts'

/**
 * Shows how the council arrives at an answer, on stderr: its phases, its members and its vote. The fast path shows
 * nothing.
 */
export type ChatProgress = {
  show: (frame: ServerFrame) => void
  /** Prints a line that stays. */
  note: (line: string) => void
  /** The dissent of the vote, in one line; null if there was none. */
  dissent: () => string | null
}

type MemberFrame = Extract<ServerFrame, { type: 'member' }>
/** A member in its line: its state, and the length and the end of its draft. */
type MemberLine = { state: string; characters: number; end: string }

/** The kept end of a draft: more than a line shows. */
const endCharacters = 400
const newMember: MemberLine = { state: '', characters: 0, end: '' }

export function chatProgress(output: Output, { isVerbose }: { isVerbose: boolean }): ChatProgress {
  const board = boardOn(screenBlock(output.stderr), output)
  let vote: VoteFrame | null = null
  let isDeliberating = false
  let isAnswering = false

  function showMember(frame: MemberFrame): void {
    if (frame.state === 'reviewed' && !isVerbose) return
    board.member(frame)
    if (frame.state === 'drafted' && isVerbose)
      board.note(`draft of ${frame.member}:`, ...frame.text.split('\n').map((line) => `  ${line}`))
  }
  function show(frame: ServerFrame): void {
    if (frame.type === 'token') {
      if (isDeliberating && !isAnswering) board.end()
      isAnswering = true
    }
    if (frame.type === 'approval') board.note(approvalLine(frame))
    if (frame.type === 'phase' && frame.phase === 'draft') isDeliberating = true
    if (!isDeliberating || isAnswering) return
    if (frame.type === 'phase') board.phase(frame.phase, frame.state)
    if (frame.type === 'member') showMember(frame)
    if (frame.type === 'vote') {
      vote = frame
      board.voted(voteLines(frame))
    }
  }
  return {
    show: (frame) => void (output.json || show(frame)),
    note: (line) => board.note(line),
    dissent: () => dissentLine(vote),
  }
}

const waitsFor = {
  ReleaseAnswer: 'the answer waits for a person',
  ExceedBudget: 'the budget is used up; the prompt waits for a person',
}

function approvalLine({ approvalId, action, state }: Extract<ServerFrame, { type: 'approval' }>): string {
  return state === 'waiting'
    ? `${waitsFor[action]}: bin/council approvals show ${approvalId}`
    : `${state}: approval ${approvalId}`
}

/**
 * The phases in one line, and the members in a line each: on a terminal they change in place, otherwise each change is
 * a line.
 */
function boardOn(block: ScreenBlock | null, { note }: Output) {
  const phases = new Map<string, 'started' | 'completed'>()
  const members = new Map<string, MemberLine>()

  const draw = (maySkip = false): void => block?.draw(linesOf(phases, members), { maySkip })
  return {
    phase(name: string, state: 'started' | 'completed'): void {
      phases.set(name, state)
      if (!block && state === 'started') note(`${name} …`)
      draw()
    },
    member(frame: MemberFrame): void {
      const line = memberLine(members.get(frame.member) ?? newMember, frame)
      members.set(frame.member, line)
      if (!block && frame.state !== 'started' && frame.state !== 'drafting') note(`  ${frame.member} ${line.state}`)
      draw(frame.state === 'drafting')
    },
    /** Keeps the members as they are, and prints the result of their vote after them. */
    voted(lines: readonly string[]): void {
      block?.leave()
      members.clear()
      for (const line of lines) note(line)
    },
    note(...lines: string[]): void {
      block?.erase()
      for (const line of lines) note(line)
      if (phases.size > 0) draw()
    },
    /** The answer comes next. */
    end(): void {
      if (members.size === 0) block?.erase()
      block?.leave()
      phases.clear()
      members.clear()
    },
  }
}

function linesOf(
  phases: ReadonlyMap<string, 'started' | 'completed'>,
  members: ReadonlyMap<string, MemberLine>,
): BlockLine[] {
  const width = Math.max(0, ...[...members.keys()].map(({ length }) => length))
  return [
    { text: [...phases].map(([phase, state]) => `${phase} ${state === 'completed' ? '✓' : '…'}`).join('  ') },
    ...[...members].map(([member, { state, end }]) => ({
      text: `  ${member.padEnd(width)}  ${state}${end === '' ? '' : '  '}`,
      end,
    })),
  ]
}

/** The line of a member after a frame. */
function memberLine({ characters, end }: MemberLine, frame: MemberFrame): MemberLine {
  switch (frame.state) {
    case 'started':
      return { ...newMember, state: 'drafts' }
    case 'drafting': {
      const length = characters + frame.text.length
      return {
        state: `drafts, ${length.toLocaleString('en')} characters`,
        characters: length,
        end: (end + frame.text.replaceAll(/\s+/g, ' ')).slice(-endCharacters),
      }
    }
    case 'drafted':
      return { ...newMember, state: `drafted ${frame.text.length.toLocaleString('en')} characters` }
    case 'failed':
      return { ...newMember, state: `has no draft: ${frame.why}` }
    case 'reviewed':
    case 'voted':
      return { ...newMember, state: frame.state }
    case 'abstained':
      return { ...newMember, state: `abstained: ${frame.why}` }
    default:
      return frame satisfies never
  }
}
