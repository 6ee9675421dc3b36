import type uPlot from 'uplot'
import { roundDollars } from '../shell/money.ts'
import type { Columns } from './cost-rows.ts'
import type { Bucket, Span } from './period.ts'

type Chosen = { from: number; to: number }
/** The pace of the forecast, from now until the day ends, and what the day will have cost. */
export type Outlook = { nowMs: number; untilMs: number; perHourMicros: number; text: string }
type Drawing = {
  columns: Columns
  bucket: Bucket
  span: Span
  /** The newest forecast; null: nothing is known about it. */
  outlook: { current: Outlook | null }
  /** Holds the plot while it is drawn. */
  plot: { current: uPlot | null }
  /** The column under the pointer; null: none. */
  onHover: (chosen: Chosen | null) => void
  /** The columns over which a person dragged. */
  onSelect: (chosen: Chosen) => void
}

const heightPx = 220
/** A drag of a few pixels is a click. */
const shortestDragPx = 8

/** Draws into an element, and again when its width changes. uPlot is loaded with the first plot. Returns the function that ends it. */
export function drawPlot(element: HTMLElement, drawing: Drawing): () => void {
  const { plot } = drawing
  let isOver = false
  const draw = async (): Promise<void> => {
    const { default: UPlot } = await import('uplot')
    if (isOver) return
    plot.current?.destroy()
    plot.current = new UPlot(optionsOf(UPlot, element, drawing), stackOf(drawing.columns), element)
  }
  const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: heightPx }))
  // Colours of the page become colours of the canvas, so another theme needs another plot.
  const scheme = matchMedia('(prefers-color-scheme: dark)')
  const redraw = (): void => void draw()
  scheme.addEventListener('change', redraw)
  resized.observe(element)
  void draw()
  return () => {
    isOver = true
    scheme.removeEventListener('change', redraw)
    resized.disconnect()
    plot.current?.destroy()
    plot.current = null
  }
}

/** The tops of the stacked parts. The highest comes first, so that the lower ones are drawn over it. */
function stackOf({ startsMs, parts }: Columns): uPlot.AlignedData {
  const tops = startsMs.map(() => 0)
  const stacked = parts.map(({ valuesMicros }) =>
    valuesMicros.map((value, index) => (tops[index] = (tops[index] ?? 0) + value)),
  )
  return [startsMs.map((ms) => ms / 1_000), ...stacked.toReversed()]
}

function optionsOf(UPlot: typeof uPlot, element: HTMLElement, drawing: Drawing): uPlot.Options {
  const { columns, span, onHover, onSelect } = drawing
  const { startsMs } = columns
  const colours = [...element.querySelectorAll('.probe')].map((probe) => getComputedStyle(probe).color)
  const [ink, rule] = ['--quiet', '--rule'].map((name) => resolved(element, name)) as [string, string]
  const axis = {
    stroke: ink,
    font: '12px system-ui, sans-serif',
    grid: { stroke: rule, width: 1 },
    ticks: { show: false },
  }
  const columnAt = (plot: uPlot, leftPx: number): number => {
    const ms = plot.posToVal(leftPx, 'x') * 1_000
    return Math.max(
      0,
      startsMs.findLastIndex((start) => start <= ms),
    )
  }
  return {
    width: element.clientWidth,
    height: heightPx,
    padding: [18, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: shortestDragPx } },
    scales: {
      x: { time: true, range: [span.fromMs / 1_000, span.toMs / 1_000] },
      y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 28,
        grid: { show: false },
        space: 76,
        values: (_, seconds) => seconds.map((at) => (at * 1_000 < span.toMs ? tick(at * 1_000, drawing.bucket) : '')),
      },
      { ...axis, size: 68, values: (_, micros) => micros.map(roundDollars) },
    ],
    series: [
      {},
      ...colours
        .toReversed()
        .map((colour) => ({
          fill: colour,
          width: 0,
          points: { show: false },
          ...(UPlot.paths.bars && { paths: UPlot.paths.bars({ size: [0.78, 64], align: 1 }) }),
        })),
    ],
    hooks: {
      draw: [(plot) => drawOutlook(plot, drawing, ink)],
      setCursor: [
        (plot) => {
          const { left = -1 } = plot.cursor
          if (left < 0) return onHover(null)
          const column = columnAt(plot, left)
          onHover({ from: column, to: column })
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select
          if (width < shortestDragPx) return
          onSelect({ from: columnAt(plot, left), to: columnAt(plot, left + width - 1) })
        },
      ],
    },
  }
}

/** Marks the present, and goes on at the pace of the forecast. Only hours show it: a day is more than its pace. */
function drawOutlook(plot: uPlot, { outlook: { current: outlook }, span, bucket }: Drawing, ink: string): void {
  const { ctx, bbox } = plot
  if (outlook === null || bucket !== 'hour' || outlook.nowMs < span.fromMs || outlook.nowMs >= span.toMs) return
  const { devicePixelRatio: scale } = window
  const now = plot.valToPos(outlook.nowMs / 1_000, 'x', true)
  const end = plot.valToPos(Math.min(outlook.untilMs, span.toMs) / 1_000, 'x', true)
  const pace = Math.max(bbox.top, plot.valToPos(outlook.perHourMicros, 'y', true))
  ctx.save()
  ctx.strokeStyle = ctx.fillStyle = ink
  ctx.lineWidth = scale
  ctx.setLineDash([3 * scale, 3 * scale])
  ctx.beginPath()
  ctx.moveTo(now, bbox.top)
  ctx.lineTo(now, bbox.top + bbox.height)
  ctx.moveTo(now, pace)
  ctx.lineTo(end, pace)
  ctx.stroke()
  ctx.font = `${12 * scale}px system-ui, sans-serif`
  const space = Math.max(now - bbox.left, bbox.left + bbox.width - now) - 8 * scale
  const text = ctx.measureText(outlook.text).width < space ? outlook.text : 'now'
  const isLate = now + ctx.measureText(text).width + 8 * scale > bbox.left + bbox.width
  ctx.textAlign = isLate ? 'right' : 'left'
  ctx.fillText(text, now + (isLate ? -6 : 6) * scale, bbox.top - 5 * scale)
  ctx.restore()
}

/** The hour on the clock, and the day where one begins. */
function tick(ms: number, bucket: Bucket): string {
  const date = new Date(ms)
  if (bucket === 'day' || (date.getHours() === 0 && date.getMinutes() === 0))
    return date.toLocaleDateString([], { day: 'numeric', month: 'short' })
  return date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
}

/** A colour of the theme as the browser computes it: a canvas knows no variables. */
function resolved(element: HTMLElement, variable: string): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${variable})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
