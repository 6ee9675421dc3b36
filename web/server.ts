import { ClientError } from '../src/client/client-error.ts'
import { councilClient } from '../src/client/client.ts'

/** The council that serves this page. The browser's cookie is the credential. */
export const council = councilClient({ url: location.origin })

/** Without a session the server shows its sign-in page. */
export function signInAgain(): void {
  location.assign('/login')
}

export const isSignedOut = (error: unknown): boolean => error instanceof ClientError && error.status === 401

/** What a person can read about a failure. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
