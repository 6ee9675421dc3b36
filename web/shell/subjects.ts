import { signal } from '@preact/signals'
import { council } from '../server.ts'

/** The text of prompts and the title of bounties, by their ids: the newest of those that this token may see. */
export const subjects = signal<ReadonlyMap<string, string>>(new Map())

const newest = 200

/** Without the scope for one of them, the other is still there; an id without a text is shown as it is. */
export async function loadSubjects(): Promise<void> {
  const [chats, bounties] = await Promise.allSettled([
    council.read<{ chats: { requestId: string; prompt: string }[] }>('/v1/chats', { query: { limit: newest } }),
    council.read<{ bounties: { bounty: string; title: string }[] }>('/v1/bounties', { query: { limit: newest } }),
  ])
  const prompts = chats.status === 'fulfilled' ? chats.value.body.chats : []
  const titles = bounties.status === 'fulfilled' ? bounties.value.body.bounties : []
  subjects.value = new Map([
    ...prompts.map(({ requestId, prompt }) => [requestId, prompt] as const),
    ...titles.map(({ bounty, title }) => [bounty, title] as const),
  ])
}
