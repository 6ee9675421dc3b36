import { signal } from '@preact/signals'

/** The time, to the minute: what counts down is drawn anew when it changes. */
export const minute = signal(Date.now())
setInterval(() => void (minute.value = Date.now()), 60_000)
