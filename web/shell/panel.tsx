import type { ReadonlySignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Loaded } from '../loaded.ts'

/** A part of the page: its title, and the rows once they are there. */
export function Panel<Row>({
  title,
  rows,
  nothing,
  file,
  class: name = '',
  children,
}: {
  title: string
  rows: ReadonlySignal<Loaded<readonly Row[]>>
  /** What an empty list means. */
  nothing: string
  /** The address of the same rows for spreadsheets. */
  file: string
  class?: string
  children: (rows: readonly Row[]) => ComponentChildren
}) {
  const loaded = rows.value
  return (
    <section class={`card panel ${name}`} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <a class="file" href={file} download>
          CSV
        </a>
      </header>
      {loaded.state === 'loading' ? <p class="quiet small">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad small">{loaded.why}</p> : null}
      {loaded.state === 'there' && loaded.value.length === 0 ? <p class="quiet small">{nothing}</p> : null}
      {loaded.state === 'there' && loaded.value.length > 0 ? children(loaded.value) : null}
    </section>
  )
}
