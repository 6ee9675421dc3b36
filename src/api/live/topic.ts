import { parse as parseQueryString } from 'node:querystring'
import type { Principal } from '../../events/identifiers.ts'
import type { TokenScope } from '../../events/token.ts'
import { anyone, promptsOf, type Identity } from '../access/identity.ts'
import { EventFilterParameters, filtersOf } from '../log/event-parameters.ts'
import { formatIssues } from '../queries/page.ts'
import { queries } from '../queries/queries.ts'
import type { Asked, Query } from '../queries/query.ts'
import type { EventTopic } from './event-frames.ts'

/** A query at some parameters, as one viewer sees it: what a subscription is about. */
export type Topic = Pick<Query, 'readModel' | 'notFound'> & {
  /** As the client wrote it: the address of the query without `/v1/`, with its query string. */
  text: string
  /** The same for all subscriptions that may share one answer. */
  key: string
  /** It shows this subject's prompts and what came of them; null: it may show more. */
  asker: Principal | null
  answer: (tx: Parameters<Asked['answer']>[0]) => ReturnType<Asked['answer']>
}

export const topicErrorCodes = ['topic_unknown', 'scope_missing', 'malformed_request', 'not_found'] as const
export type TopicFault = { code: (typeof topicErrorCodes)[number]; message: string; scope?: TokenScope }

const eventScope: TokenScope = 'events:read'
/** The scopes that topics need. */
export const topicScopes: readonly TokenScope[] = [...new Set([...queries.map(({ scope }) => scope), eventScope])]

/** The topic that a client names, or why it cannot have it: the same fault that `GET /v1/<topic>` has. */
export function parseTopic(text: string, viewer: Identity): Topic | EventTopic | { fault: TopicFault } {
  const mark = text.indexOf('?')
  const path = mark < 0 ? text : text.slice(0, mark)
  const parameters = { ...parseQueryString(mark < 0 ? '' : text.slice(mark + 1)) }
  if (path === 'events') return parseEventTopic(text, parameters, viewer)
  const found = queryAt(path)
  if (!found) return { fault: { code: 'topic_unknown', message: `there is no topic ${text.slice(0, 200)}` } }
  const { query, id } = found
  const { scope, readModel, notFound } = query
  if (!viewer.scopes.has(scope)) return withoutScope(scope)
  const asked = query.ask({ id, query: parameters })
  if (asked.outcome !== 'asked') return { fault: { code: asked.outcome, message: asked.detail } }
  if (asked.after !== null)
    return { fault: { code: 'malformed_request', message: 'after: belongs to the frame, not to the topic' } }
  if (asked.format !== 'json') return { fault: { code: 'malformed_request', message: 'format: changes are JSON' } }
  const seenBy = asked.isCommon ? anyone : viewer
  return {
    text,
    key: JSON.stringify([text, seenBy.subject, ...[...seenBy.scopes].toSorted()]),
    readModel,
    notFound,
    asker: query.isByAsker ? promptsOf(seenBy) : null,
    answer: (tx) => asked.answer(tx, seenBy),
  }
}

function parseEventTopic(text: string, parameters: object, viewer: Identity): EventTopic | { fault: TopicFault } {
  if (!viewer.scopes.has(eventScope)) return withoutScope(eventScope)
  const known = EventFilterParameters.safeParse(parameters)
  if (!known.success) return { fault: { code: 'malformed_request', message: formatIssues(known.error) } }
  return { text, filters: filtersOf(known.data) }
}

const withoutScope = (scope: TokenScope): { fault: TopicFault } => ({
  fault: { code: 'scope_missing', message: `the token lacks the scope ${scope}`, scope },
})

/** The query whose path this is, without `/v1/`, and the `:id` in it. */
function queryAt(path: string): { query: Query; id: string | undefined } | null {
  const parts = path.split('/')
  for (const query of queries) {
    const pattern = query.path.split('/').slice(2)
    if (pattern.length !== parts.length || !pattern.every((part, at) => part === ':id' || part === parts[at])) continue
    const id = decoded(parts[pattern.indexOf(':id')])
    if (id !== null) return { query, id }
  }
  return null
}

/** Null for text that is no part of an address. */
function decoded(part: string | undefined): string | undefined | null {
  try {
    return part === undefined ? undefined : decodeURIComponent(part)
  } catch {
    return null
  }
}
