/** What a part of the run came to. A check that is not a test (types, lint, …) counts as one. */
export type Counts = { passed: number; failed: number; skipped: number }

/** The closing line of `bin/test`, as machines read it. */
export const verdictLine = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`
