import { writeFileSync } from 'node:fs'
import { eventReference } from './support/event-reference.ts'

/** `npm run docs:events` writes docs/events.md. */
writeFileSync('docs/events.md', eventReference())
