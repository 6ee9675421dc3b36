import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventReference } from '../support/event-reference.ts'

test('docs/events.md is the reference that the catalogue generates', () => {
  expect(readFileSync('docs/events.md', 'utf8'), 'npm run docs:events').toBe(eventReference())
})
