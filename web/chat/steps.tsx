import type { Phase } from './answer.ts'

const names: Readonly<Record<string, string>> = {
  triage: 'Triage',
  sense: 'Sense',
  draft: 'Draft',
  critique: 'Critique',
  vote: 'Vote',
  respond: 'Answer',
  synthesize: 'Answer',
}

/** The phases of a deliberation, with the time that each took. */
export function Steps({ phases, isRunning }: { phases: readonly Phase[]; isRunning: boolean }) {
  return (
    <ol class="steps" aria-label="Phases">
      {phases.map(({ name, isOver, tookMs }) => (
        <li
          key={name}
          class={!isOver && isRunning ? 'now' : ''}
          aria-current={!isOver && isRunning ? 'step' : undefined}
        >
          {names[name] ?? name}
          <span>
            {isOver ? (tookMs === null ? 'done' : `${(tookMs / 1000).toFixed(1)} s`) : isRunning ? 'now' : ''}
          </span>
        </li>
      ))}
    </ol>
  )
}
