import { useEffect, useState } from 'preact/hooks'
import { asked, type Loaded } from '../loaded.ts'
import { council } from '../server.ts'
import { Drawer } from '../shell/drawer.tsx'
import { EventLink } from '../shell/event-link.tsx'
import { dollars } from '../shell/money.ts'
import { followLink } from '../shell/route.ts'
import { loadSubjects, subjects } from '../shell/subjects.ts'
import { costFields } from './cost-query.ts'
import { labelOf, type CostRow, type Grouping } from './cost-rows.ts'
import type { Span } from './period.ts'

type Of = {
  by: Grouping
  /** Null: the calls without one. */
  name: string | null
  costMicros: number
  /** Null: of all time. */
  span: Span | null
}
type Cause = CostRow & { request: string | null }

/** A button beside a cost that opens the prompts and bounties that it was spent on, each with its events. */
export function WhyCost(of: Of) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <>
      <button
        class="why link"
        type="button"
        aria-haspopup="dialog"
        aria-label={`why? The cost of ${labelOf(of.name)}`}
        onClick={() => setIsOpen(true)}
      >
        why?
      </button>
      {isOpen ? <Causes of={of} onClose={() => setIsOpen(false)} /> : null}
    </>
  )
}

function Causes({ of, onClose }: { of: Of; onClose: () => void }) {
  const [loaded, setLoaded] = useState<Loaded<readonly Cause[]>>({ state: 'loading' })
  useEffect(() => {
    void loadSubjects()
    void causesOf(of).then(setLoaded)
  }, [])
  return (
    <Drawer title={`Why ${dollars(of.costMicros)} for ${labelOf(of.name)}?`} onClose={onClose}>
      {loaded.state === 'loading' ? <p class="quiet">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad">{loaded.why}</p> : null}
      {loaded.state === 'there' ? <List causes={loaded.value} of={of} /> : null}
    </Drawer>
  )
}

/** The group's costs by request: the same calls as those of its figure. */
const causesOf = ({ by, name, span }: Of): Promise<Loaded<readonly Cause[]>> =>
  asked(async () => {
    const query = Object.fromEntries(costFields(`request,${by}`, span))
    const rows = await Array.fromAsync(council.rows<Cause>('/v1/costs', 'costs', { query }))
    const own = rows.filter((row) => (row[by] ?? null) === name)
    return own.toSorted((a, b) => b.costMicros - a.costMicros)
  })

const mostShown = 200

function List({ causes, of: { costMicros } }: { causes: readonly Cause[]; of: Of }) {
  const sum = causes.reduce((total, cause) => total + cause.costMicros, 0)
  const calls = causes.reduce((total, cause) => total + cause.calls, 0)
  return (
    <>
      <p class="quiet">
        {calls.toLocaleString('en')} model calls for {causes.length.toLocaleString('en')} prompts and bounties add up to{' '}
        {dollars(sum)}.{sum === costMicros ? '' : ' The rest was spent meanwhile, or on prompts of others.'}
      </p>
      <ol class="story">
        {causes.slice(0, mostShown).map((cause) => (
          <li key={cause.request ?? ''}>
            <h3>
              {dollars(cause.costMicros)}
              <span class="at">
                <EventLink position={cause.positions.first} />
                {cause.calls > 1 ? (
                  <>
                    {' … '}
                    <EventLink position={cause.positions.last} />
                  </>
                ) : null}
              </span>
            </h3>
            <p dir="auto">{subjects.value.get(cause.request ?? '') ?? cause.request ?? 'no request'}</p>
            <p class="call">
              {cause.calls} {cause.calls === 1 ? 'call' : 'calls'},{' '}
              <a
                class="why"
                href={`/log?request=${cause.request ?? ''}&type=BudgetDebited&stream=budget/council/*`}
                onClick={followLink}
              >
                their debits
              </a>
            </p>
          </li>
        ))}
      </ol>
      {causes.length > mostShown ? <p class="quiet small">And {causes.length - mostShown} smaller ones.</p> : null}
    </>
  )
}
