import { expect, test } from 'vitest'
import { z } from 'zod'
import { csvTable } from '../../src/platform/csv-table.ts'

const Row = z.object({
  id: z.string(),
  terms: z.object({ daily: z.int(), zone: z.string().nullable() }).nullable(),
  tags: z.array(z.string()),
  isOpen: z.boolean(),
  tally: z.record(z.string(), z.number()),
  group: z.string().optional(),
})

test('writes the fields of a schema as columns, also those of an object', () => {
  const rows = [
    { id: 'a', terms: { daily: 5, zone: null }, tags: ['x', 'y'], isOpen: true, tally: { A: 1 } },
    { id: '=b', terms: null, tags: [], isOpen: false, tally: {} },
  ]
  expect(csvTable(Row, rows)).toBe(
    'id,terms.daily,terms.zone,tags,isOpen,tally\r\na,5,,x y,true,"{""A"":1}"\r\n\'=b,,,,false,{}\r\n',
  )
})

test('names the columns of a table without rows', () => {
  expect(csvTable(Row, [])).toBe('id,terms.daily,terms.zone,tags,isOpen,tally\r\n')
})

test('has an optional field as a column where a row has it', () => {
  const row = { id: 'a', terms: null, tags: [], isOpen: true, tally: {} }
  expect(csvTable(Row, [row, { ...row, group: 'g' }]).split('\r\n')).toEqual([
    'id,terms.daily,terms.zone,tags,isOpen,tally,group',
    'a,,,,true,{},',
    'a,,,,true,{},g',
    '',
  ])
})
