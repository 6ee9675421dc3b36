import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ServerFrame } from '../../../src/api/chat/frames.ts'
import * as deliberation from '../../support/deliberation-events.ts'
import {
  cancelled,
  completed,
  failed,
  idOf,
  rest,
  routed,
  take,
  textOf,
  withAnswer,
  type MemoryAnswer,
} from '../../support/memory-answer.ts'

/** Previews that are written after the end of their draft: a feed shows them before that end, or drops them. */
const late = 'late'

type Step = (answer: MemoryAnswer) => unknown

/** A random deliberation that `pick` (0 ≤ pick(n) < n) draws: crashes, late previews, failures and every ending. */
function history(pick: (bound: number) => number): Step[] {
  const steps: Step[] = []
  const events = (...some: Parameters<MemoryAnswer['record']>) => steps.push((answer) => answer.record(...some))
  const preview = (member: string, attempt: number, kind = 'piece') => {
    const piece = `${kind} ${steps.length} `
    steps.push((answer) => answer.preview(member, piece, attempt))
  }
  let attempt = 1
  const crashes = () => pick(6) === 0 && attempt < 3
  events(deliberation.attemptStarted(1))
  events(routed('full'))

  let open: string[] = [...deliberation.members]
  events(...deliberation.calls('draft', open))
  while (open.length > 0) {
    const member = open[pick(open.length)] ?? ''
    const chosen = pick(8)
    if (chosen < 5) preview(member, attempt)
    else if (crashes()) {
      events(deliberation.attemptStarted(++attempt))
      events(...deliberation.calls('draft', open, attempt))
    } else {
      events(chosen === 5 ? deliberation.draftFailed(member) : deliberation.drafted(member, `By ${member}.`))
      open = open.filter((one) => one !== member)
      if (pick(2) === 0) preview(member, attempt, late)
    }
    if (pick(30) === 0) {
      events(cancelled(''))
      return steps
    }
  }
  steps.push((answer) => answer.record(deliberation.opened(answer.requestId)))
  events(...deliberation.calls('vote', deliberation.members, attempt))
  for (const member of deliberation.members) {
    if (crashes()) {
      events(deliberation.attemptStarted(++attempt))
      events(deliberation.call('vote', member, attempt))
    }
    events(pick(4) === 0 ? deliberation.abstained(member) : deliberation.voted(member, ['A', 'B']))
  }
  events(pick(3) === 0 ? deliberation.electionFailed : deliberation.decided())
  events(deliberation.call('synthesize', 'chair', attempt))
  const text = Array.from({ length: pick(4) }, (_, index) => `word ${index} `)
  for (const piece of text) steps.push((answer) => answer.write(piece))
  events([completed, failed, cancelled][pick(3)]!(text.join('')))
  return steps
}

const isPreview = (frame: ServerFrame) => frame.type === 'member' && frame.state === 'drafting'
const isLate = (frame: ServerFrame) =>
  frame.type === 'member' && frame.state === 'drafting' && frame.text.startsWith(late)

/** Without the ids, the boundaries of tokens (text can reach clients in any pieces) and late previews. */
const comparable = (frames: readonly ServerFrame[]) => ({
  text: textOf(frames),
  others: frames.filter((frame) => frame.type !== 'token' && !isLate(frame)).map((frame) => ({ ...frame, id: '' })),
})
const withoutPreviews = (frames: readonly ServerFrame[]) => frames.filter((frame) => !isPreview(frame))

/** A source of choices for a history, seeded by fast-check. */
const picks = fc
  .array(fc.nat(), { minLength: 200, maxLength: 200, size: 'max' })
  .map((numbers) => (bound: number) => (numbers.shift() ?? 0) % bound)

describe('a resumed feed of a deliberation', () => {
  test.each([-60_000, 0, 60_000])(
    'repeats the previews of a draft that has ended, when the clock of the token stream is %i ms ahead',
    (aheadMs) =>
      withAnswer(
        async (answer) => {
          const feed = answer.feed()
          await answer.record(routed('full'))
          await answer.record(...deliberation.calls('draft', ['analyst']))
          const frames = await take(feed, 4)
          answer.preview('analyst', 'The capital')
          frames.push(...(await take(feed, 1)))
          await answer.record(deliberation.drafted('analyst', 'The capital is Paris.'))
          await answer.record(cancelled(''))
          frames.push(...(await rest(feed)))
          expect(frames.map((frame) => (frame.type === 'member' ? frame.state : frame.type))).toEqual([
            'accepted',
            'routed',
            'phase',
            'started',
            'drafting',
            'drafted',
            'cancelled',
          ])
          for (const [index, frame] of frames.entries())
            expect(await rest(answer.feed(idOf(frame)))).toEqual(frames.slice(index + 1))
        },
        { aheadMs },
      ),
  )

  test('continues exactly after each frame of the past, without previews once the token stream is gone', async () => {
    await fc.assert(
      fc.asyncProperty(picks, fc.constantFrom('kept', 'unreachable', 'forgotten'), async (pick, kept) =>
        withAnswer(async (answer) => {
          const live = rest(answer.feed())
          for (const step of history(pick)) await step(answer)
          const frames = await live
          const of = kept === 'kept' ? (some: ServerFrame[]) => some : withoutPreviews
          if (kept !== 'kept') answer.lose(kept)
          for (const [index, frame] of frames.entries()) {
            const later = await rest(answer.feed(idOf(frame)))
            expect(comparable(later)).toEqual(comparable(of(frames.slice(index + 1))))
          }
        }),
      ),
      { numRuns: 40 },
    )
  })

  test('continues exactly after a frame while the answer goes on', async () => {
    await fc.assert(
      fc.asyncProperty(picks, async (pick) =>
        withAnswer(async (answer) => {
          const frames: ServerFrame[] = []
          const live = (async () => {
            for await (const frame of answer.feed()) frames.push(frame)
          })()
          const resumed: { after: number; frames: Promise<ServerFrame[]> }[] = []
          for (const step of history(pick)) {
            const after = frames.length - 1
            if (after >= 0) resumed.push({ after, frames: rest(answer.feed(idOf(frames[after]))) })
            await step(answer)
          }
          await live
          for (const { after, frames: later } of resumed)
            expect(comparable(await later)).toEqual(comparable(frames.slice(after + 1)))
        }),
      ),
      { numRuns: 40 },
    )
  })

  test('takes one frame at a time, and misses none', async () => {
    await fc.assert(
      fc.asyncProperty(picks, async (pick) =>
        withAnswer(async (answer) => {
          const live = rest(answer.feed())
          for (const step of history(pick)) await step(answer)
          const frames = await live
          const taken = await take(answer.feed(), 1)
          while (taken.at(-1)?.type !== frames.at(-1)?.type && taken.length < 2 * frames.length) {
            const next = answer.feed(idOf(taken.at(-1)))
            taken.push(...(await take(next, 1)))
            await next.return(undefined)
          }
          expect(comparable(taken)).toEqual(comparable(frames))
          const lateOnes = taken.flatMap((frame) => (isLate(frame) && 'text' in frame ? [frame.text] : []))
          expect(new Set(lateOnes).size).toBe(lateOnes.length)
        }),
      ),
      { numRuns: 20 },
    )
  })
})
