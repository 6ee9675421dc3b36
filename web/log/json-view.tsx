import { useState } from 'preact/hooks'
import type { Change } from './changes.ts'

type JsonViewProps = {
  value: unknown
  /** The name of the value in its object; undefined for the outermost. */
  name?: string | undefined
  depth?: number
  /** Parts that differ from an earlier value, by their path. */
  changes?: ReadonlyMap<string, Change>
  path?: string
}

const openDepth = 3
const shownText = 600
const shownItems = 200

/** A JSON value as a tree whose objects and lists fold. */
export function JsonView({ value, name, depth = 0, changes, path = '' }: JsonViewProps) {
  const change = changes?.get(path)
  const label = name === undefined ? null : <span class="key">{name}: </span>
  if (typeof value !== 'object' || value === null)
    return (
      <div class={`json-line ${change ? 'changed' : ''}`}>
        {label}
        <Scalar value={value} />
        {change ? <Before change={change} /> : null}
      </div>
    )
  const isList = Array.isArray(value)
  const parts: [string, unknown][] = Object.entries(value)
  const size = `${isList ? '[' : '{'}${parts.length}${isList ? ']' : '}'}`
  if (parts.length === 0)
    return (
      <div class={`json-line ${change ? 'changed' : ''}`}>
        {label}
        <span class="quiet">{isList ? '[ ]' : '{ }'}</span>
        {change ? <Before change={change} /> : null}
      </div>
    )
  return (
    <details class={`json ${change?.kind === 'added' ? 'changed' : ''}`} open={depth < openDepth}>
      <summary>
        {label}
        <span class="quiet">{size}</span>
        {change ? <Before change={change} /> : null}
      </summary>
      {parts.slice(0, shownItems).map(([key, part]) => (
        <JsonView
          key={key}
          name={key}
          value={part}
          depth={depth + 1}
          path={`${path}/${key}`}
          {...(changes && { changes })}
        />
      ))}
      {parts.length > shownItems ? (
        <div class="json-line quiet">and {parts.length - shownItems} more: copy shows all</div>
      ) : null}
      {changes ? <Removed changes={changes} path={path} /> : null}
    </details>
  )
}

const Before = ({ change }: { change: Change }) => (
  <span class="before">{change.kind === 'added' ? ' new' : ` was ${brief(change.before)}`}</span>
)

/** The parts that an object had before. */
function Removed({ changes, path }: { changes: ReadonlyMap<string, Change>; path: string }) {
  const removed = [...changes].filter(
    ([at, change]) => change.kind === 'removed' && at.slice(0, at.lastIndexOf('/')) === path,
  )
  return (
    <>
      {removed.map(([at, change]) => (
        <div key={at} class="json-line removed">
          <span class="key">{at.slice(at.lastIndexOf('/') + 1)}: </span>
          <span class="before">{change.kind === 'removed' ? `was ${brief(change.before)}, now gone` : ''}</span>
        </div>
      ))}
    </>
  )
}

function Scalar({ value }: { value: unknown }) {
  const [isWhole, setIsWhole] = useState(false)
  const text = JSON.stringify(value) ?? 'undefined'
  const kind = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'word'
  if (text.length <= shownText || isWhole)
    return (
      <span class={kind} dir="auto">
        {text}
      </span>
    )
  return (
    <>
      <span class={kind} dir="auto">
        {text.slice(0, shownText)}…
      </span>{' '}
      <button class="link" type="button" onClick={() => setIsWhole(true)}>
        all {text.length.toLocaleString('en')} characters
      </button>
    </>
  )
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`
}
