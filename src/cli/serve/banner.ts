import { styleText } from 'node:util'
import { printableLine } from '../../platform/printable.ts'
import type { AdminToken } from './admin-token.ts'
import type { Part } from './part.ts'
import type { RoleName } from './roles.ts'

export type Started = {
  seconds: number
  roles: readonly RoleName[]
  /** Absent if this process has no api. */
  url?: string
  /** For a browser. */
  signInUrl?: string
  token: AdminToken
  /** Whether the banner goes to a terminal. Other outputs may be stored and read by others, so they never get the token. */
  isTerminal: boolean
  tokenFile: string
  logFile?: string
  parts: readonly Part[]
}

/** The text that is printed once everything runs: the address, a first command, the place of the token, and which parts are real. */
export function banner({
  seconds,
  roles,
  url,
  signInUrl,
  token,
  isTerminal,
  tokenFile,
  logFile,
  parts,
}: Started): string {
  const rows: [string, string][] = []
  if (url) {
    rows.push(['address', `${url}  (chat: ${url.replace(/^http/, 'ws')}/ws/chat)`])
    if (signInUrl)
      rows.push(['browser', signInUrl.includes('?') ? `${signInUrl}  (signs in once, within a minute)` : signInUrl])
    rows.push(['ask', 'bin/council chat "What is the capital of France?"'])
    rows.push(['token', tokenRow(token, tokenFile, isTerminal)])
  } else rows.push(['roles', roles.join(', ')])
  if (logFile) rows.push(['log lines', logFile])

  const width = Math.max(...parts.map(({ name }) => name.length), ...rows.map(([label]) => label.length))
  const table = parts.map(
    ({ name, kind, what, atStart, warning }) =>
      `  ${name.padEnd(width)}  ${paint(kind)}  ${printableLine(warning ?? (atStart ? `${what}: ${atStart}` : what))}`,
  )
  return [
    '',
    styleText('bold', `The Hybrid AI Council is ready, after ${seconds.toFixed(1)} s.`),
    '',
    ...rows.map(([label, text]) => `  ${label.padEnd(width)}  ${printableLine(text)}`),
    '',
    ...table,
    '',
    '  Ctrl-C stops everything in order.',
    '',
  ].join('\n')
}

function tokenRow({ token, from }: AdminToken, file: string, isTerminal: boolean): string {
  switch (from) {
    case 'made':
      if (!isTerminal) return `made, in ${file}; bin/council finds it by itself`
      return `${token}  (shown this once; bin/council finds it by itself, others in ${file})`
    case 'file':
      return `in ${file}; bin/council finds it by itself`
    case 'ADMIN_TOKEN':
      return 'the one in ADMIN_TOKEN; bin/council finds it by itself'
    default:
      return from satisfies never
  }
}

const colors = { real: 'green', embedded: 'cyan', missing: 'yellow' } as const
const paint = (kind: Part['kind']): string => styleText(colors[kind], kind.padEnd(8))
