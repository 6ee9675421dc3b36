import { health, type Part } from './state.ts'

const marks: Readonly<Record<Part['status'], { mark: string; name: string; tone: string }>> = {
  pass: { mark: '●', name: 'works', tone: 'good' },
  warn: { mark: '▲', name: 'degraded', tone: 'warn' },
  fail: { mark: '■', name: 'fails', tone: 'bad' },
}
const order: readonly Part['status'][] = ['fail', 'warn', 'pass']

/** Each part that the council depends on: whether it is real, embedded or missing, how it does, and what to do. */
export function Parts() {
  const loaded = health.value
  // The table below shows the read models.
  const parts = loaded.state === 'there' ? loaded.value.parts.filter(({ name }) => !name.startsWith('projection ')) : []
  return (
    <section class="card panel" aria-label="Parts">
      <header>
        <h2>Parts</h2>
        {loaded.state === 'there' ? <span class="small quiet">version {loaded.value.version}</span> : null}
      </header>
      {loaded.state === 'loading' ? <p class="quiet small">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad small">The council does not answer: {loaded.why}</p> : null}
      <ul class="parts">
        {parts
          .toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status))
          .map(({ name, kind, status, output }) => (
            <li key={name}>
              <span class={marks[status].tone} role="img" aria-label={marks[status].name}>
                {marks[status].mark}
              </span>
              <strong>{name}</strong>
              <span class={`kind ${kind}`}>{kind === 'internal' ? '' : kind}</span>
              <span class={status === 'pass' ? 'quiet' : ''}>{output}</span>
            </li>
          ))}
      </ul>
    </section>
  )
}
