import { useEffect, useState } from 'preact/hooks'
import { EndpointView } from './endpoint-view.tsx'
import { Fields } from './fields-table.tsx'
import { loadReference, matching, reference, type Endpoint, type Frame, type Reference } from './reference.ts'
import type { Schemas } from './schema-text.ts'

/** The HTTP API and the WebSocket as the server itself describes them. */
export function DocsPage() {
  useEffect(() => void loadReference(), [])
  const loaded = reference.value
  return (
    <div class="page wide docs">
      <header class="page-head">
        <h1>API</h1>
        <p class="quiet small">
          As this server describes itself: <a href="/openapi.json">OpenAPI 3.1</a>,{' '}
          <a href="/asyncapi.json">AsyncAPI 3.0</a>. Amounts are integer micro-dollars.
        </p>
      </header>
      {loaded.state === 'loading' ? <p class="quiet small">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad small">{loaded.why}</p> : null}
      {loaded.state === 'there' ? <Everything {...loaded.value} /> : null}
    </div>
  )
}

function Everything({ endpoints, frames, schemas }: Reference) {
  const [text, setText] = useState('')
  const found = matching(endpoints, text)
  const wanted = location.hash.slice(1)
  useEffect(() => document.getElementById(wanted)?.scrollIntoView(), [wanted])
  return (
    <>
      <label class="search small">
        Find{' '}
        <input
          type="search"
          value={text}
          placeholder="costs, POST, bounty …"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      {found.length === 0 ? <p class="quiet small">Nothing has all these words.</p> : null}
      {[...Map.groupBy(found, ({ tags: [tag = ''] }) => tag)].map(([tag, ofTag]) => (
        <Area key={tag} tag={tag} endpoints={ofTag} schemas={schemas} wanted={wanted} />
      ))}
      {text === '' ? <Frames frames={frames} schemas={schemas} /> : null}
    </>
  )
}

type AreaProps = { tag: string; endpoints: readonly Endpoint[]; schemas: Schemas; wanted: string }

const Area = ({ tag, endpoints, schemas, wanted }: AreaProps) => (
  <section class="card panel" aria-label={tag}>
    <h2>{tag}</h2>
    {endpoints.map((endpoint) => (
      <EndpointView
        key={endpoint.operationId}
        endpoint={endpoint}
        schemas={schemas}
        isOpen={endpoint.operationId === wanted || endpoints.length === 1}
      />
    ))}
  </section>
)

const Frames = ({ frames, schemas }: { frames: readonly Frame[]; schemas: Schemas }) => (
  <section class="card panel" aria-label="WebSocket /ws/chat">
    <h2>WebSocket /ws/chat</h2>
    {frames.map(({ name, summary, payload }) => (
      <details class="endpoint" key={name}>
        <summary>
          <span class="method">{name.split(' ')[0]}</span>
          <code>{name.split(' ')[1]}</code>
          <span class="quiet">{summary}</span>
        </summary>
        <div class="details">
          <Fields title="Fields" of={name} schema={payload} schemas={schemas} />
        </div>
      </details>
    ))}
  </section>
)
