import { isIPv6 } from 'node:net'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'

/** Counts a failed login from an address. Returns the seconds to wait when there were too many, and null otherwise. */
export type FailedLogins = (address: string) => Promise<number | null>

/**
 * Limits the failed logins of each address, an IPv6 network of 64 bits being one. Only failures count and only failures are refused,
 * so that no client locks out the holder of a token, even behind a shared address.
 */
export function failedLogins(maxPerMinute: number): FailedLogins {
  const failures = new RateLimiterMemory({ points: maxPerMinute, duration: 60 })
  return (address) =>
    failures.consume(networkOf(address)).then(
      () => null,
      (refused: unknown) =>
        refused instanceof RateLimiterRes ? Math.max(1, Math.ceil(refused.msBeforeNext / 1_000)) : 1,
    )
}

const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'))

/** The first four groups of an IPv6 address; an IPv4 address, also in its IPv6 form, itself. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address
  const [head = '', tail = ''] = address.replace(/%.*$/, '').split('::')
  const zeros = Array.from({ length: 8 }, () => '0')
  // Zeros that stand after the end of a full address are cut off again.
  const filled = [...groupsOf(head), ...zeros.slice(groupsOf(head).length + groupsOf(tail).length), ...groupsOf(tail)]
  return filled
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
