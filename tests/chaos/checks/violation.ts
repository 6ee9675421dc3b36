/** A promise that was broken. `what` names the command, stream or position. */
export type Violation = { kind: string; what: string }

export const violation = (kind: string, what: string): Violation => ({ kind, what })
