import { useEffect, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { dollars, roundDollars } from '../shell/money.ts'
import { theme } from '../shell/theme.ts'
import type { Columns } from './cost-rows.ts'
import { next, type Bucket, type Span } from './period.ts'
import { drawPlot, type Outlook } from './draw-plot.ts'

type PlotProps = {
  columns: Columns
  bucket: Bucket
  span: Span
  /** The class of each part that gives it its colour. */
  hues: readonly string[]
  label: string
  /** The pace at which the day goes on; null: nothing is known about it. */
  outlook: Outlook | null
  onZoom: (fromMs: number, toMs: number) => void
  onBack: () => void
}

/** The columns under the pointer or chosen by keyboard: the first and the last. */
type Chosen = { from: number; to: number }

/**
 * Costs as stacked columns. Dragging over columns zooms in to them. With the keyboard, left and right move between columns, with Shift
 * they choose several, Enter zooms in and Escape back out. The table below says the same in figures.
 */
export function Plot({ columns, bucket, span, hues, label, outlook, onZoom, onBack }: PlotProps) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const ahead = useRef(outlook)
  ahead.current = outlook
  const [chosen, setChosen] = useState<Chosen | null>(null)
  const { startsMs, parts } = columns
  const newest = Math.max(
    0,
    startsMs.findLastIndex((_, index) => parts.some(({ valuesMicros }) => (valuesMicros[index] ?? 0) > 0)),
  )
  const endOf = (index: number): number => next(startsMs[index] ?? span.toMs, bucket)

  const zoom = ({ from, to }: Chosen): void => onZoom(startsMs[from] ?? span.fromMs, endOf(to))
  useEffect(() => {
    const element = place.current
    if (!element) return undefined
    setChosen(null)
    return drawPlot(element, { columns, bucket, span, outlook: ahead, plot, onHover: setChosen, onSelect: zoom })
  }, [columns, bucket, span.fromMs, span.toMs, hues.join(), theme.value])
  // Each minute has another forecast. A new plot would end a drag.
  useEffect(() => plot.current?.redraw(false), [outlook])

  const choose = (to: Chosen): void => {
    setChosen(to)
    markColumns(plot.current, startsMs[to.from] ?? 0, endOf(to.to))
  }
  const key = (event: KeyboardEvent): void => {
    const last = startsMs.length - 1
    const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
    if (step !== 0) choose(chosen === null ? { from: newest, to: newest } : moved(chosen, step, event.shiftKey, last))
    else if (event.key === 'Home') choose({ from: 0, to: 0 })
    else if (event.key === 'End') choose({ from: last, to: last })
    else if (event.key === 'Enter' && chosen) zoom(chosen)
    else if (event.key === 'Escape') onBack()
    else return
    event.preventDefault()
  }
  return (
    <div class="plot">
      <div
        class="canvas"
        ref={place}
        tabIndex={0}
        role="slider"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={Math.max(0, startsMs.length - 1)}
        aria-valuenow={chosen?.to ?? newest}
        aria-valuetext={describe(columns, chosen ?? { from: newest, to: newest }, bucket)}
        onKeyDown={key}
      >
        {parts.map((_, index) => (
          <i key={index} class={`probe ${hues[index] ?? ''}`} />
        ))}
      </div>
      <p class="small quiet readout">
        {chosen ? <Readout columns={columns} chosen={chosen} bucket={bucket} hues={hues} /> : hint}
      </p>
    </div>
  )
}

/** The column beside the chosen ones, or with Shift the chosen ones and that. */
function moved({ from, to }: Chosen, step: -1 | 1, isWider: boolean, last: number): Chosen {
  const beside = Math.min(last, Math.max(0, step < 0 ? from - 1 : to + 1))
  return isWider ? { from: Math.min(from, beside), to: Math.max(to, beside) } : { from: beside, to: beside }
}

const hint = 'Drag over columns to zoom in, or choose them with ← → and Shift, then press Enter. Escape goes back.'

function Readout({
  columns,
  chosen,
  bucket,
  hues,
}: {
  columns: Columns
  chosen: Chosen
  bucket: Bucket
  hues: readonly string[]
}) {
  const sums = sumsOf(columns, chosen)
  return (
    <>
      <strong>{spanText(columns, chosen, bucket)}</strong> {dollars(total(sums))}
      {columns.parts.map(({ label: name }, index) =>
        sums[index] === 0 ? null : (
          <span key={name} class={`part ${hues[index] ?? ''}`}>
            {name} {dollars(sums[index] ?? 0)}
          </span>
        ),
      )}
    </>
  )
}

const sumsOf = ({ parts }: Columns, { from, to }: Chosen): number[] =>
  parts.map(({ valuesMicros }) => total(valuesMicros.slice(from, to + 1)))
const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)

function describe(columns: Columns, chosen: Chosen, bucket: Bucket): string {
  const sums = sumsOf(columns, chosen)
  const parts = columns.parts.flatMap(({ label }, index) =>
    sums[index] === 0 ? [] : [`${label} ${roundDollars(sums[index] ?? 0)}`],
  )
  return [`${spanText(columns, chosen, bucket)}: ${roundDollars(total(sums))}`, ...parts].join(', ')
}

function spanText({ startsMs }: Columns, { from, to }: Chosen, bucket: Bucket): string {
  const [first, last] = [startsMs[from], startsMs[to]]
  if (first === undefined || last === undefined) return 'no costs'
  if (bucket === 'day') return from === to ? dayOf(first) : `${dayOf(first)} – ${dayOf(last)}`
  const day = new Date(first).toDateString() === new Date().toDateString() ? '' : `${dayOf(first)}, `
  return `${day}${hourOf(first)} – ${hourOf(next(last, bucket))}`
}

const dayOf = (ms: number): string =>
  new Date(ms).toLocaleDateString([], { weekday: 'short', day: 'numeric', month: 'short' })
const hourOf = (ms: number): string => new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })

/** Shows which columns are chosen. */
function markColumns(plot: uPlot | null, fromMs: number, toMs: number): void {
  if (!plot) return
  const [left, right] = [fromMs, toMs].map((ms) => plot.valToPos(ms / 1_000, 'x')) as [number, number]
  plot.setSelect({ left, width: right - left, top: 0, height: plot.over.clientHeight }, false)
}
