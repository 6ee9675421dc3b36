import { useEffect, useState } from 'preact/hooks'
import { filterNames, filters, setFilters, type FilterName, type Filters } from './filters.ts'

const hints: Readonly<Record<FilterName, string>> = {
  stream: 'chat/… or account/*',
  type: 'PromptSubmitted,…',
  actor: 'user:ada',
  request: 'the id of a prompt',
}

/** The filters; Enter or leaving a field applies them. */
export function FilterBar() {
  const [draft, setDraft] = useState<Filters>(filters.value)
  useEffect(() => filters.subscribe(setDraft), [])
  const apply = (to: Filters): void =>
    setFilters(Object.fromEntries(Object.entries(to).map(([name, value]) => [name, value.trim()])))
  const isEmpty = Object.keys(filters.value).length === 0
  return (
    <form
      class="filters"
      role="search"
      aria-label="Filters"
      onSubmit={(event) => {
        event.preventDefault()
        apply(draft)
      }}
    >
      {filterNames.map((name) => (
        <label key={name}>
          <span class="tiny quiet">{name}</span>
          <input
            type="search"
            name={name}
            autocomplete="off"
            spellcheck={false}
            placeholder={hints[name]}
            value={draft[name] ?? ''}
            onInput={({ currentTarget: { value } }) => setDraft({ ...draft, [name]: value })}
            onChange={({ currentTarget: { value } }) => apply({ ...draft, [name]: value })}
          />
        </label>
      ))}
      <button class="button" type="button" disabled={isEmpty} onClick={() => setFilters({})}>
        Clear
      </button>
    </form>
  )
}
