const width = 120
const height = 18
/** A smaller lag is no hill. */
const leastTop = 10

/** The events that a read model was behind, look by look; the newest at the end. */
export function LagPlot({ events }: { events: readonly number[] }) {
  const most = Math.max(...events, 0)
  const top = Math.max(leastTop, most)
  const x = (index: number): number => width - (events.length - 1 - index) * 1
  const y = (lag: number): number => height - 1 - (lag / top) * (height - 2)
  const line = events.map((lag, index) => `${x(index)},${y(lag).toFixed(1)}`).join(' ')
  return (
    <svg
      class="lag"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={`at most ${most.toLocaleString('en')} events behind`}
    >
      <line x1="0" y1={height - 0.5} x2={width} y2={height - 0.5} />
      {events.length > 1 ? <polyline points={line} /> : null}
    </svg>
  )
}
