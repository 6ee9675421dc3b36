import { describe, expect, test } from 'vitest'
import { parseRedisAddress } from '../../../src/platform/redis/address.ts'

describe('the address of a Redis', () => {
  test.each(['redis://localhost', 'rediss://user:p%40ss@h:6380/2', 'unix:///run/redis.sock'])(
    'is one server: %s',
    (url) => {
      expect(parseRedisAddress(url)).toEqual({ kind: 'server', url })
    },
  )

  test('is a cluster if there are several addresses, with one user and one password for all nodes', () => {
    expect(
      parseRedisAddress('rediss://ada:p%40ss@a:7000, rediss://ada:p%40ss@[::1]:7001,rediss://ada:p%40ss@c'),
    ).toEqual({
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: '::1', port: 7001 },
        { host: 'c', port: 6379 },
      ],
      tls: true,
      username: 'ada',
      password: 'p@ss',
    })
  })

  test('is a cluster if the only address has ?cluster', () => {
    expect(parseRedisAddress('redis://a:7000?cluster')).toEqual({
      kind: 'cluster',
      nodes: [{ host: 'a', port: 7000 }],
      tls: false,
    })
  })
})
