import { describe, expect, test } from 'vitest'
import { isRight } from '../../bench/wisdom/check.ts'
import { datesIn } from '../../bench/wisdom/dates.ts'
import { Check } from '../../bench/wisdom/question.ts'

const cases = (
  check: unknown,
  right: string[],
  wrong: string[],
): { check: Check; text: string; expected: boolean }[] => {
  const parsed = Check.parse(check)
  return [
    ...right.map((text) => ({ check: parsed, text, expected: true })),
    ...wrong.map((text) => ({ check: parsed, text, expected: false })),
  ]
}

describe('a number', () => {
  test.each([
    ...cases(
      { type: 'number', value: 1234 },
      [
        'Answer: 1234',
        'answer: 1,234',
        '**Answer:** 1,234.',
        'Final answer: 1234.0',
        'Answer:\n1234',
        'Answer: $1,234',
        'Answer: \\boxed{1234}',
        'Answer: 1\u202f234',
        "Answer: 1'234",
        'Answer: 1.234e3',
        'Answer: 1200 + 34 = 1234',
        'It is 1200 + 34, so 1234.',
        'Answer: 12\nNo, I was wrong.\nAnswer: 1234',
        'Answer: 1234 (1234 in total)',
      ],
      [
        '',
        'Answer:',
        'Answer: unknown',
        'Answer: 12345',
        'Answer: 1.234',
        'Answer: -1234',
        'Answer: 1234 or 1235',
        'The number 1234 is close.\nAnswer: 1235',
        'It is 1234, not 1235',
        'Answer: 1234 - 1',
        'Answer: x1234',
      ],
    ),
    ...cases(
      { type: 'number', value: -8 },
      ['Answer: -8', 'Answer: −8', 'so 3 - 11 = -8'],
      ['Answer: 8', 'Answer: 3-8'],
    ),
    ...cases({ type: 'number', value: 0.75 }, ['Answer: 3/4', 'Answer: 0.75'], ['Answer: 3', 'Answer: 4/3']),
    ...cases({ type: 'number', value: 12 }, ['Answer: twelve', 'Answer: Twelve apples.'], ['Answer: twenty']),
    ...cases({ type: 'number', value: 3.14, tolerance: 0.01 }, ['Answer: 3.1416', 'Answer: 3.14'], ['Answer: 3.2']),
    ...cases({ type: 'number', value: 0.3 }, [`Answer: ${0.1 + 0.2}`], ['Answer: 0.31']),
  ])('"$text" is right: $expected', ({ check, text, expected }) => expect(isRight(check, text)).toBe(expected))
})

describe('a number with a unit', () => {
  test.each([
    ...cases(
      { type: 'number', value: 150, unit: 'minutes' },
      [
        'Answer: 150',
        'Answer: 150 minutes',
        'Answer: 150min',
        'Answer: 2.5 hours',
        'Answer: 2 hours 30 minutes',
        'Answer: 150 minutes (2.5 hours)',
        'Answer: 150 long ones',
      ],
      [
        'Answer: 150 hours',
        'Answer: 150 km',
        'Answer: 30 minutes 2 hours',
        'Answer: 2 hours',
        'Answer: 150 minutes 3 hours',
      ],
    ),
    ...cases({ type: 'number', value: 735, unit: 'cents' }, ['Answer: 735 cents', 'Answer: $7.35'], ['Answer: $735']),
  ])('"$text" is right: $expected', ({ check, text, expected }) => expect(isRight(check, text)).toBe(expected))
})

describe('a choice', () => {
  const options = { A: 'Paris', B: 'London', C: 'Rome' }
  test.each(
    cases(
      { type: 'choice', value: 'B', options },
      [
        'Answer: B',
        'Answer: b)',
        'Answer: (B) London',
        'Answer: B. London',
        'Answer: London',
        'A is wrong. The answer is B',
        'I choose (B).',
        'Option A is wrong.\nLondon',
      ],
      [
        'Answer: A',
        'Answer: A or B',
        'Answer: (A) or (B)',
        'Answer: Paris',
        'Answer: not London',
        'A good question',
        'Answer: D',
      ],
    ),
  )('"$text" is right: $expected', ({ check, text, expected }) => expect(isRight(check, text)).toBe(expected))
})

describe('yes or no', () => {
  test.each([
    ...cases(
      { type: 'yesno', value: true },
      [
        'Answer: Yes',
        'answer: yes, it does',
        'Yes. All of them are.',
        'They are.\nAnswer: True',
        'It follows.\nYes, it does.',
      ],
      ['Answer: No', 'Answer: not yes', 'It does.', 'Yes, perhaps.\nAnswer: no', 'Answer: maybe yes'],
    ),
    ...cases({ type: 'yesno', value: false }, ['Answer: No', 'Answer: false'], ['Answer: Nobel', 'Answer: yes', '']),
  ])('"$text" is right: $expected', ({ check, text, expected }) => expect(isRight(check, text)).toBe(expected))
})

describe('a text', () => {
  test.each([
    ...cases(
      { type: 'text', accept: ['the peas', 'pea'] },
      [
        'Answer: peas',
        'Answer: The peas.',
        'Answer: It killed the peas',
        'First the beans grew. The frost killed the peas.',
      ],
      [
        'Answer: peanuts',
        'Answer: not the peas',
        'Answer: peas or beans',
        'The peas died. The frost killed beans.',
        'Answer: beans',
      ],
    ),
    ...cases(
      { type: 'text', accept: ['11:40', '11.40'] },
      ['Answer: 11:40', 'Answer: At 11.40.', 'On Sundays it leaves at 11:40.', 'Answer: 11:40 (11:40 on Sundays)'],
      ['Answer: 8:15, 11:40, 16:05', 'Answer: 8:15 + 11:40 = 17', 'Answer: 11', 'Answer: 11:45', 'Answer: 111:40'],
    ),
    ...cases(
      { type: 'text', accept: ['Wednesday'] },
      ['17 January 2024 was a Wednesday.'],
      ['17 January was a Thursday.'],
    ),
    ...cases({ type: 'text', accept: ['Zürich'] }, ['Answer: Zurich', 'Answer: ZÜRICH!'], ['Answer: Bern']),
  ])('"$text" is right: $expected', ({ check, text, expected }) => expect(isRight(check, text)).toBe(expected))
})

describe('a date', () => {
  test.each(
    cases(
      { type: 'date', value: '2024-03-01' },
      [
        'Answer: 2024-03-01',
        'Answer: 1 March 2024',
        'Answer: March 1, 2024',
        'Answer: 1st of March 2024',
        'Answer: Friday, 1 Mar. 2024',
        'From 27 February 2024, three days later is March 1st, 2024.',
      ],
      [
        'Answer: 2024-01-03',
        'Answer: 1/3/2024',
        'Answer: 2 March 2024',
        'Answer: 1 March',
        'Answer: 1 March 2024 or 2 March 2024',
      ],
    ),
  )('"$text" is right: $expected', ({ check, text, expected }) => expect(isRight(check, text)).toBe(expected))

  test('exists', () => expect(datesIn('30 February 2024, 29 February 2023 and 2024-13-01')).toEqual([]))
})
