import { DenyApproval } from '../../../src/commands/approval/deny-approval.ts'
import { GrantApproval } from '../../../src/commands/approval/grant-approval.ts'
import { CancelBounty } from '../../../src/commands/bounty/cancel-bounty.ts'
import { ClaimBounty } from '../../../src/commands/bounty/claim-bounty.ts'
import { OpenBounty } from '../../../src/commands/bounty/open-bounty.ts'
import { SubmitBountyWork } from '../../../src/commands/bounty/submit-bounty-work.ts'
import { RegisterAgent } from '../../../src/commands/agent/register-agent.ts'
import { AgentId } from '../../../src/events/agent.ts'
import { SetBudgetPolicy } from '../../../src/commands/budget/set-budget-policy.ts'
import { CancelPrompt } from '../../../src/commands/chat/cancel-prompt.ts'
import type { CommandDefinition, ReadSet } from '../../../src/commands/decider.ts'
import { FreezeAccount } from '../../../src/commands/treasury/freeze-account.ts'
import { FreezeTreasury } from '../../../src/commands/treasury/freeze-treasury.ts'
import { SwitchMode } from '../../../src/commands/governance/switch-mode.ts'
import type { CommandResult } from '../../../src/commands/gate/types.ts'
import type { CommandGate } from '../../../src/commands/gate/gate.ts'
import { ListPrice } from '../../../src/commands/prices/list-price.ts'
import { OpenAccount } from '../../../src/commands/treasury/open-account.ts'
import { ReleaseReservation } from '../../../src/commands/treasury/release-reservation.ts'
import { ReserveFunds } from '../../../src/commands/treasury/reserve-funds.ts'
import { SettleReservation } from '../../../src/commands/treasury/settle-reservation.ts'
import { SubmitPrompt } from '../../../src/commands/chat/submit-prompt.ts'
import { IssueToken } from '../../../src/commands/token/issue-token.ts'
import { RevokeToken } from '../../../src/commands/token/revoke-token.ts'
import { TransferFunds } from '../../../src/commands/treasury/transfer-funds.ts'
import { UnfreezeAccount } from '../../../src/commands/treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from '../../../src/commands/treasury/unfreeze-treasury.ts'
import { BountyWorker, escrowOf } from '../../../src/events/bounty.ts'
import { Principal, type AccountId, type Uuid7 } from '../../../src/events/identifiers.ts'
import { modes } from '../../../src/events/governance.ts'
import { PolicyScope } from '../../../src/events/policy.ts'
import { PriceName } from '../../../src/events/prices.ts'
import { adminSubject, tokenScopes } from '../../../src/events/token.ts'
import { newId } from '../../support/council.ts'
import { id as accountId } from '../../support/treasury.ts'
import type { Random } from './random.ts'

/** A command with its id: it is the same command when it is executed again. */
export type LoadCommand = { name: string; execute: (gate: CommandGate, principal: Principal) => Promise<CommandResult> }

const command = <C, Reads extends ReadSet>(
  definition: CommandDefinition<C, Reads>,
  input: NoInfer<C>,
  commandId = newId(),
): LoadCommand => ({
  name: definition.name,
  execute: (gate, principal) => gate.execute(definition, input, { commandId, principal }),
})

/** The same command, executed by an agent: the mode decides whether it waits for a person. */
const byAgent = ({ name, execute }: LoadCommand): LoadCommand => ({
  name,
  execute: (gate, principal) => execute(gate, Principal.parse(`agent:${principal}`)),
})

/** The same command, executed by `admin`, who may act for everyone. */
const byAdmin = ({ name, execute }: LoadCommand): LoadCommand => ({
  name,
  execute: (gate) => execute(gate, adminSubject),
})

const [external, reserve, hot] = [accountId('external'), accountId('reserve'), accountId('agent:hot')]
const cold = Array.from({ length: 16 }, (_, number) => accountId(`agent:cold-${number}`))
const agents = [hot, ...cold]

/** The commands before the load: they open the accounts, fund the reserve and the hot account, bound every user, and list the price of the worker's model. */
export const setUpCommands = (): LoadCommand[] => [
  ...[external, reserve, ...agents].map((account) => command(OpenAccount, { account })),
  transfer(external, reserve, 100_000_000),
  command(RegisterAgent, { agentId: AgentId.parse('registered') }),
  transfer(reserve, hot, 9_000_000),
  command(SetBudgetPolicy, {
    scope: PolicyScope.parse('user'),
    dailyMicros: 9_000_000,
    softPercent: 80,
    onExceed: 'throttle',
    timeZone: 'Europe/Berlin',
  }),
  command(ListPrice, {
    name: PriceName.parse('chaos'),
    priceRef: 'chaos@10/10',
    promptMicrosPer1000: 10,
    cachedPromptMicrosPer1000: 10,
    completionMicrosPer1000: 10,
  }),
]

function transfer(from: AccountId, to: AccountId, amountMicros: number, commandId = newId()): LoadCommand {
  return command(TransferFunds, { transferId: newId(), from, to, amountMicros, reason: 'load' }, commandId)
}

/** The lifetimes of reservations: most are settled in time, the others late. */
const holdsMs = [172_800_000, 172_800_000, 172_800_000, 2_000] as const
/** Further ahead than a clock may be: such an id is rejected. */
const aheadMs = 3_600_000

/**
 * The mixed load of one client: transfers on hot and cold accounts with and without cover, reservations that are
 * settled, released or settled late, bounties, actions of agents that wait for a person, switches of the mode, freezes, tokens, and prompts.
 */
export function mixedLoad(random: Random, nowMs: () => number): () => LoadCommand {
  const reservations: { account: AccountId; reservationId: Uuid7 }[] = []
  const prompts: Uuid7[] = []
  const approvals: Uuid7[] = []
  /** The next step of each bounty, which most often succeeds. */
  const bounties: { bountyId: Uuid7; next: 'claim' | 'submit' }[] = []
  const frozen: LoadCommand[] = []
  const tokens: Uuid7[] = []
  const agent = () => (random.percent(50) ? hot : random.pick(cold))
  const amount = () => (random.percent(5) ? random.between(20_000_000, 200_000_000) : random.between(1, 40_000))
  const takenOut = <Item>(items: Item[]): Item | undefined => items.splice(random.below(items.length), 1)[0]

  const hold = () => {
    const reservation = { account: agent(), reservationId: newId() }
    reservations.push(reservation)
    const expiresAt = new Date(nowMs() + random.pick(holdsMs)).toISOString()
    const fields = { ...reservation, amountMicros: random.between(1, 20_000), expiresAt }
    return command(ReserveFunds, fields, reservation.reservationId)
  }
  const settle = () => {
    const reservation = takenOut(reservations)
    return reservation && command(SettleReservation, { ...reservation, actualMicros: random.between(0, 30_000) })
  }
  const release = () => {
    const reservation = takenOut(reservations)
    return reservation && command(ReleaseReservation, reservation)
  }
  const submit = () => {
    const requestId = newId()
    prompts.push(requestId)
    // Most prompts go to one model: the council makes ten calls for an answer.
    const path = random.percent(10) ? 'full' : 'fast'
    return command(SubmitPrompt, { requestId, text: 'Why is the sky blue?', path }, requestId)
  }
  const cancel = () => {
    const requestId = takenOut(prompts)
    return requestId && command(CancelPrompt, { requestId })
  }
  /** An irreversible action of an agent, which waits for a person unless the mode is autonomous. */
  const propose = () => {
    const approvalId = newId()
    approvals.push(approvalId)
    return byAgent(transfer(agent(), external, random.between(1, 20_000), approvalId))
  }
  const decide = () => {
    const approvalId = takenOut(approvals)
    if (approvalId === undefined) return undefined
    return random.percent(80)
      ? command(GrantApproval, { approvalId })
      : command(DenyApproval, { approvalId, reason: 'load' })
  }
  const openBounty = () => {
    const bountyId = newId()
    bounties.push({ bountyId, next: 'claim' })
    const offer = { rewardMicros: random.between(1, 5_000), bonusMicros: random.between(0, 2_000), claimSeconds: 3_600 }
    const deadline = new Date(nowMs() + 3_600_000).toISOString()
    const text = { title: 'Load', task: 'Bear the load.', criteria: 'Nothing is lost.' }
    return command(OpenBounty, { bountyId, ...text, ...offer, deadline }, bountyId)
  }
  const advanceBounty = () => {
    const bounty = takenOut(bounties)
    if (!bounty) return undefined
    const { bountyId, next } = bounty
    if (random.percent(10)) return command(CancelBounty, { bountyId, reason: 'load' })
    // A gift: what returns at the end is what the escrow has, not what was promised.
    if (random.percent(10)) return transfer(reserve, escrowOf(bountyId), random.between(1, 500))
    if (next === 'submit') return command(SubmitBountyWork, { bountyId, work: 'It was borne.' })
    bounties.push({ bountyId, next: 'submit' })
    const worker = random.percent(20) ? 'user:eve' : random.pick(agents)
    return byAdmin(command(ClaimBounty, { bountyId, worker: BountyWorker.parse(worker) }))
  }
  const issue = () => {
    const tokenId = newId()
    const issuers = random.percent(50) ? [] : tokens.slice(-1)
    tokens.push(tokenId)
    const rights = { scopes: [random.pick(tokenScopes)], expiresAt: null, label: 'load' }
    return byAdmin(command(IssueToken, { tokenId, issuers, ...rights, secretHash: 'a'.repeat(64) }, tokenId))
  }
  const revoke = () => {
    const tokenId = takenOut(tokens)
    return tokenId && byAdmin(command(RevokeToken, { tokenId, reason: 'load' }))
  }
  const switchMode = () => command(SwitchMode, { mode: random.pick(modes), reason: 'load' })
  const freezeOne = () => {
    const account = random.pick(cold)
    frozen.push(command(UnfreezeAccount, { account, reason: 'load' }))
    return command(FreezeAccount, { account, reason: 'load' })
  }
  const freezeAll = () => {
    frozen.unshift(command(UnfreezeTreasury, { reason: 'load' }))
    return command(FreezeTreasury, { reason: 'load' })
  }
  const open = () => {
    const account = random.percent(50) ? random.pick(agents) : accountId(`agent:new-${random.below(500)}`)
    return command(OpenAccount, { account })
  }
  const openAhead = () => {
    const ahead = idOfTime(nowMs() + aheadMs)
    return command(OpenAccount, { account: accountId(`agent:ahead-${random.below(500)}`) }, ahead)
  }

  const choices: readonly [share: number, choose: () => LoadCommand | undefined][] = [
    [30, () => transfer(reserve, agent(), amount())],
    [18, () => transfer(agent(), random.percent(50) ? reserve : agent(), amount())],
    [6, () => transfer(external, reserve, random.between(1, 1_000_000))],
    [16, hold],
    [12, settle],
    [4, release],
    [3, submit],
    [1, cancel],
    [2, openBounty],
    [5, advanceBounty],
    [4, propose],
    [4, decide],
    [1, switchMode],
    [2, issue],
    [1, revoke],
    [4, freezeOne],
    [1, freezeAll],
    [2, open],
    [1, openAhead],
  ]
  const whole = choices.reduce((sum, [share]) => sum + share, 0)

  return () => {
    for (;;) {
      // A client lifts its own freezes, most often with its next command.
      if (frozen.length > 0 && random.percent(60)) return frozen.shift() ?? transfer(external, reserve, 1)
      let at = random.below(whole)
      const chosen = choices.find(([share]) => (at -= share) < 0)?.[1]()
      if (chosen) return chosen
    }
  }
}

/** A new id of the given time. */
function idOfTime(ms: number): Uuid7 {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}${newId().slice(13)}` as Uuid7
}
