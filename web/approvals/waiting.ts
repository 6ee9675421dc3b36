import { liveRows } from '../live.ts'
import { council, settle } from '../server.ts'

/** An action that waits for a person, as `GET /v1/approvals` shows it. */
export type Approval = {
  approval: string
  action: string
  /** Canonical JSON: what is approved runs, byte for byte. */
  exactArguments: string
  argumentsHash: string
  costMicros: number
  risk: string
  /** Why it waits. */
  why: string
  requestedBy: string
  requestedAt: string
  editedBy: string | null
  /** The prompt that waits with it. */
  requestId: string | null
  expiresAt: string
}

/** The actions that wait. */
export const waiting = liveRows<Approval>(() => 'approvals?status=waiting', 'approvals')

/** The most urgent first. */
export const byUrgency = (actions: readonly Approval[]): readonly Approval[] =>
  actions.toSorted((a, b) => Date.parse(a.expiresAt) - Date.parse(b.expiresAt))

/** Decides about an action. Returns why it could not be decided; null: it is decided. */
async function decided(outcome: ReturnType<typeof council.approve>): Promise<string | null> {
  const settled = await settle(outcome)
  return 'why' in settled ? settled.why : null
}

/** Approves exactly the arguments that were shown. */
export const approve = ({ approval, argumentsHash }: Approval): Promise<string | null> =>
  decided(council.approve(approval, { argumentsHash }))

export const deny = ({ approval }: Approval, reason: string): Promise<string | null> =>
  decided(council.deny(approval, reason))

/** Proposes the action with other arguments in its place. `text` is JSON. */
export async function edit({ approval }: Approval, text: string): Promise<string | null> {
  const exactArguments = objectIn(text)
  if (exactArguments === null) return 'the arguments must be one JSON object'
  return decided(council.execute('EditApproval', { approvalId: approval, exactArguments }))
}

function objectIn(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
  } catch {
    return null
  }
}
