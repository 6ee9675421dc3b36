import { expect, test } from 'vitest'
import { csvRecord } from '../../src/platform/csv.ts'

test.each<[string, (string | number | null)[], string]>([
  ['text and numbers', ['reserve', -12, 0], 'reserve,-12,0\r\n'],
  ['nothing as an empty field', [null, ''], ',\r\n'],
  ['separators, quotes and line ends in quotes', ['a,b', 'say "no"', 'one\ntwo'], '"a,b","say ""no""","one\ntwo"\r\n'],
  [
    'text that a spreadsheet would run as text',
    ['=1+1', '+1', '-1', '@SUM(A1)', '\tx'],
    "'=1+1,'+1,'-1,'@SUM(A1),'\tx\r\n",
  ],
])('writes %s', (_, fields, record) => {
  expect(csvRecord(fields)).toBe(record)
})
