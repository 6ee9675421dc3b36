import { randomBytes } from 'node:crypto'

/** A new W3C trace context (https://www.w3.org/TR/trace-context/): one trace a user's message, carried to the model's server. */
export const newTraceparent = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
