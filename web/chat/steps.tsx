import type { MemberWork, Phase } from './answer.ts'

const names: Readonly<Record<string, string>> = {
  triage: 'Triage',
  sense: 'Sense',
  draft: 'Draft',
  critique: 'Critique',
  vote: 'Vote',
  respond: 'Answer',
  synthesize: 'Answer',
}

type StepsProps = { phases: readonly Phase[]; members: readonly MemberWork[]; isRunning: boolean }

/** The phases of a deliberation, with their yield and the time that each took. */
export function Steps({ phases, members, isRunning }: StepsProps) {
  return (
    <ol class="steps" aria-label="Phases">
      {phases.map((phase) => {
        const isNow = !phase.isOver && isRunning
        const notes = [yieldOf(phase, members), timeOf(phase, isNow)].filter((note) => note !== '')
        return (
          <li key={phase.name} class={isNow ? 'now' : ''} aria-current={isNow ? 'step' : undefined}>
            {names[phase.name] ?? phase.name}
            <span>{notes.join(', ')}</span>
          </li>
        )
      })}
    </ol>
  )
}

function yieldOf({ name }: Phase, members: readonly MemberWork[]): string {
  const counted = (count: number, of: string): string => (count === 0 ? '' : `${count} ${of}${count === 1 ? '' : 's'}`)
  if (name === 'draft')
    return counted(members.filter(({ draft, state }) => draft !== '' && state !== 'failed').length, 'draft')
  if (name === 'vote') return counted(members.filter(({ state }) => state === 'voted').length, 'ballot')
  return ''
}

function timeOf({ isOver, tookMs }: Phase, isNow: boolean): string {
  if (!isOver) return isNow ? 'now' : ''
  return tookMs === null ? 'done' : `${(tookMs / 1_000).toFixed(1)} s`
}
