import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { localPath } from '../../../src/api/access/local-path.ts'

describe('the page after signing in', () => {
  test.each([
    '/',
    '/money',
    '/money?by=model&period=week',
    '/log?stream=account%2Freserve',
    '/chat/0192f0c4-7d3a-7000-8000',
  ])('is the one that was asked for: %s', (path) => expect(localPath(path)).toBe(path))

  test.each([
    ...[
      '//evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '/\t/evil.example',
      '/\n/evil.example',
      '///evil.example',
    ],
    ...['https://evil.example/', 'javascript:alert(1)', 'evil.example', '', ' /money', '/.//evil.example'],
    ...['/login', '/login?to=/login', '/logout', '/x/../login', `/${'x'.repeat(2_000)}`],
    ...[undefined, null, 7, ['/money']],
  ])('is the first page where that would lead away or round in circles: %j', (asked) =>
    expect(localPath(asked)).toBe('/'),
  )

  test('is on this server, whatever was asked for', () => {
    const parts = [
      '/',
      '\\',
      '.',
      ':',
      '@',
      '?',
      '#',
      '%',
      '\t',
      '\n',
      ' ',
      'a',
      'evil.example',
      '%2f',
      '%5c',
      '%09',
      '..',
      'https:',
      '\u2028',
      '／',
    ]
    const characters = fc.constantFrom(...parts)
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 12 }), (asked) => {
        const path = localPath(asked.join(''))
        expect(new URL(path, 'https://council.example/login').origin).toBe('https://council.example')
      }),
      { numRuns: 2_000 },
    )
  })
})
