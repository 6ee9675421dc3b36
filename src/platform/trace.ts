import { randomBytes } from 'node:crypto'

/** A new W3C trace context (https://www.w3.org/TR/trace-context/): one trace per user message, passed on to the model server. */
export const newTraceparent = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
