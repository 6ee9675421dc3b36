import { expect, test } from 'vitest'
import { parseRoles, roleEntry, roleNames } from '../../../src/cli/serve/roles.ts'

test.each(roleNames)('the role %s is registered under its own name', async (name) => {
  expect((await roleEntry(name).load()).name).toBe(name)
})

test.each([
  ['api', ['api']],
  ['archiver, api,archiver', ['archiver', 'api']],
  ['api,everything', null],
  ['', null],
  ['toString', null],
])('--roles "%s" parses as %j', (text, parsed) => {
  expect(parseRoles(text)).toEqual(parsed)
})
