import { useState } from 'preact/hooks'
import { EventLink } from '../shell/event-link.tsx'
import { ProgressBar } from '../log/progress-bar.tsx'
import { LagPlot } from './lag-plot.tsx'
import { lags, me, readModels, startRebuild, type ReadModel, type ReadModels } from './state.ts'

const states: Readonly<Record<ReadModel['state'], { name: string; tone: string }>> = {
  running: { name: 'running', tone: 'good' },
  waiting: { name: 'waiting', tone: 'warn' },
  stopped: { name: 'stopped', tone: 'bad' },
  not_built: { name: 'not built yet', tone: 'warn' },
  other_version: { name: 'of another version', tone: 'warn' },
  elsewhere: { name: 'in another process', tone: 'quiet' },
}

/** The read models: how far each is behind the log since the page was opened, why one has stopped, and their rebuilds. */
export function ReadModelTable() {
  const loaded = readModels.value
  return (
    <section class="card panel" aria-label="Read models">
      <header>
        <h2>Read models</h2>
        {loaded.state === 'there' ? (
          <span class="small quiet">{loaded.value.head.toLocaleString('en')} events in the log</span>
        ) : null}
      </header>
      {loaded.state === 'loading' ? <p class="quiet small">Loading…</p> : null}
      {loaded.state === 'failed' ? <p class="bad small">{loaded.why}</p> : null}
      {loaded.state === 'there' ? <Table {...loaded.value} /> : null}
    </section>
  )
}

function Table({ projections, lastRebuild }: ReadModels) {
  const [fault, setFault] = useState<string | null>(null)
  const mayRebuild = me.value.state === 'there' && me.value.value.scopes.includes('ops:rebuild')
  const isBusy = lastRebuild?.state === 'running'
  return (
    <>
      <div role="status">
        {fault === null ? null : <p class="bad small">{fault}</p>}
        {lastRebuild?.state === 'failed' ? (
          <p class="bad small">
            The rebuild of {lastRebuild.about} failed; the old one serves. {lastRebuild.failure?.message}
          </p>
        ) : null}
        {lastRebuild?.state === 'done' ? (
          <p class="good small">{lastRebuild.about} was rebuilt, and the new one serves.</p>
        ) : null}
      </div>
      <div class="scrolls" tabIndex={0} role="region" aria-label="table of read models">
        <table class="models">
          <thead>
            <tr>
              <th scope="col">read model</th>
              <th scope="col">state</th>
              <th scope="col">behind</th>
              <th scope="col">since the page was opened</th>
              <th scope="col">at</th>
              <th scope="col">{mayRebuild ? 'rebuild' : <span class="quiet">rebuild needs ops:rebuild</span>}</th>
            </tr>
          </thead>
          <tbody>
            {projections.map((model) => (
              <tr key={model.name}>
                <th scope="row">{model.name}</th>
                <td>
                  <span class={states[model.state].tone}>{states[model.state].name}</span>
                  {model.fault === null ? null : (
                    <span class="fault bad">
                      {model.fault.code}: {model.fault.message}
                    </span>
                  )}
                </td>
                <td>{behind(model)}</td>
                <td>
                  <LagPlot events={lags.value.get(model.name) ?? []} />
                </td>
                <td>{model.position === null ? null : <EventLink position={model.position} />}</td>
                <td class="rebuild">
                  <Rebuild
                    model={model}
                    isPossible={mayRebuild && !isBusy}
                    isShown={mayRebuild}
                    onStart={async () => setFault(await startRebuild(model.name))}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  )
}

type RebuildProps = { model: ReadModel; isPossible: boolean; isShown: boolean; onStart: () => Promise<void> }

function Rebuild({ model: { name, generation, rebuild }, isPossible, isShown, onStart }: RebuildProps) {
  if (rebuild !== null)
    return rebuild.progress === null ? (
      <span class="quiet">{rebuild.pid === null ? 'starting…' : `by process ${rebuild.pid} on ${rebuild.host}`}</span>
    ) : (
      <ProgressBar progress={{ ...rebuild.progress, step: `generation ${(generation ?? 0) + 1}` }} />
    )
  if (!isShown) return null
  return (
    <button
      class="button"
      type="button"
      disabled={!isPossible}
      aria-label={`Rebuild ${name}`}
      onClick={() => void onStart()}
    >
      Rebuild
    </button>
  )
}

function behind({ lagEvents, lagMs }: ReadModel): string {
  if (lagEvents === 0) return '0'
  const time = lagMs === null ? '' : lagMs < 1_000 ? `, ${lagMs} ms` : `, ${(lagMs / 1_000).toFixed(1)} s`
  return `${lagEvents.toLocaleString('en')} ${lagEvents === 1 ? 'event' : 'events'}${time}`
}
