import { describe, expect, test } from 'vitest'
import { verdictOn } from './run-suite.ts'
import { verdictLine } from './verdict.ts'

const file = (status: string, ...assertions: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: assertions.map((each) => ({ status: each })),
})
const report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [file('passed', 'passed')],
}

describe('the verdict on a run of the tests', () => {
  test('is what the report counts', () => {
    expect(verdictOn({ code: 0, report })).toEqual({ passed: 3, failed: 0, skipped: 0 })
    const mixed = {
      ...report,
      numFailedTests: 2,
      numPendingTests: 1,
      numTodoTests: 1,
      testResults: [file('failed', 'failed', 'failed')],
    }
    expect(verdictOn({ code: 1, report: mixed })).toEqual({ passed: 3, failed: 2, skipped: 2 })
  })

  test('counts a file that could not be loaded as a failure', () => {
    expect(
      verdictOn({ code: 1, report: { ...report, testResults: [file('failed'), file('passed', 'passed')] } }),
    ).toMatchObject({ failed: 1 })
  })

  test('is a failure when vitest failed although no test did: an unhandled error, a broken tear-down', () => {
    expect(verdictOn({ code: 1, report })).toEqual({ passed: 3, failed: 1, skipped: 0 })
  })

  test('is a failure when nothing ran', () => {
    expect(verdictOn({ code: 0, report: { ...report, numPassedTests: 0, numPendingTests: 4 } })).toEqual({
      passed: 0,
      failed: 1,
      skipped: 4,
    })
  })

  test('is a failure when vitest left no report', () => {
    expect(verdictOn({ code: 0, report: undefined })).toMatchObject({ failed: 1 })
  })

  test('closes with the line that machines read', () => {
    expect(verdictLine({ passed: 12, failed: 0, skipped: 1 })).toBe('12 passed, 0 failed, 1 skipped')
  })
})
