import { ClientError, messageOf } from '../src/client/client-error.ts'
import { councilClient } from '../src/client/client.ts'
import type { CommandOutcome } from '../src/client/execute.ts'

/** The council that serves this page. The browser's cookie is the credential. */
export const council = councilClient({ url: location.origin })

/** Waits for a command. Returns its key and where it is recorded, or why it was not done. */
export async function settle(
  outcome: Promise<CommandOutcome>,
): Promise<{ key: string; position: string | null } | { why: string }> {
  try {
    const settled = await outcome
    return settled.result === 'refused' || settled.result === 'rejected' ? { why: settled.message } : settled
  } catch (error) {
    return { why: faultOf(error) }
  }
}

/** The text of a failure, for people. A page whose session has ended goes to the sign-in page. */
export function faultOf(error: unknown): string {
  if (error instanceof ClientError && error.status === 401) signIn()
  return messageOf(error)
}

/** Leaves for the sign-in page, which leads back here. */
function signIn(): void {
  const here = `${location.pathname}${location.search}`
  location.assign(here === '/' ? '/login' : `/login?to=${encodeURIComponent(here)}`)
}
