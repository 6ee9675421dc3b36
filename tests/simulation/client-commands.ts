import { FreezeAccount } from '../../src/commands/treasury/freeze-account.ts'
import { FreezeTreasury } from '../../src/commands/treasury/freeze-treasury.ts'
import type { CommandContext, CommandResult } from '../../src/commands/gate/types.ts'
import type { CommandDefinition, ReadSet } from '../../src/commands/decider.ts'
import type { CommandGate } from '../../src/commands/gate/gate.ts'
import { RegisterAgent } from '../../src/commands/agent/register-agent.ts'
import { AgentId } from '../../src/events/agent.ts'
import { SetBudgetPolicy } from '../../src/commands/budget/set-budget-policy.ts'
import { SeatCouncil } from '../../src/commands/council/seat-council.ts'
import { CastBallot } from '../../src/commands/election/cast-ballot.ts'
import { CloseElection } from '../../src/commands/election/close-election.ts'
import { OpenElection } from '../../src/commands/election/open-election.ts'
import { RejectBallot } from '../../src/commands/election/reject-ballot.ts'
import { ListPrice } from '../../src/commands/prices/list-price.ts'
import { OpenAccount } from '../../src/commands/treasury/open-account.ts'
import { ReleaseReservation } from '../../src/commands/treasury/release-reservation.ts'
import { ReserveFunds } from '../../src/commands/treasury/reserve-funds.ts'
import { SetAccountLimits } from '../../src/commands/treasury/set-account-limits.ts'
import { SettleReservation } from '../../src/commands/treasury/settle-reservation.ts'
import { SubmitPrompt } from '../../src/commands/chat/submit-prompt.ts'
import { TransferFunds } from '../../src/commands/treasury/transfer-funds.ts'
import { UnfreezeAccount } from '../../src/commands/treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from '../../src/commands/treasury/unfreeze-treasury.ts'
import { AccountId, type Uuid7 } from '../../src/events/identifiers.ts'
import { onExceedModes, PolicyScope } from '../../src/events/policy.ts'
import { PriceName } from '../../src/events/prices.ts'
import { isoTime } from '../../src/platform/clock.ts'
import type { Random } from './random.ts'

/** A command with its fields, ready for any gate. */
export type ClientCommand = {
  name: string
  /** Whether the gate records its refusal as an event. */
  recordsRefusals: boolean
  of: (gate: CommandGate, context: CommandContext) => Promise<CommandResult>
}

export const commandFor = <C, Reads extends ReadSet>(
  definition: CommandDefinition<C, Reads>,
  input: NoInfer<C>,
): ClientCommand => ({
  name: definition.name,
  recordsRefusals: definition.recordsRefusals === true,
  of: (gate, context) => gate.execute(definition, input, context),
})

const account = (name: string) => AccountId.parse(name)
const external = account('external')
/** The first two are hot: half of all commands use them. */
const payers = [account('reserve'), account('agent:ada'), account('agent:bob'), account('bounty:moon')] as const
const reason = 'simulated'

/** Opens and funds the accounts, and registers an agent, before the clients start. */
export const setUpCommands = (): ClientCommand[] => [
  ...[external, ...payers].map((id) => commandFor(OpenAccount, { account: id })),
  commandFor(TransferFunds, { transferId: 'funding', from: external, to: payers[0], amountMicros: 50_000_200, reason }),
  commandFor(RegisterAgent, { agentId: AgentId.parse('scout') }),
]

/** A command that no other client sends. */
export const unrelatedCommand = (): ClientCommand =>
  commandFor(TransferFunds, { transferId: 'another', from: external, to: payers[0], amountMicros: 1, reason })

/** A token that a client asked for, with the tokens under which it would be issued. */
export type PromisedToken = { tokenId: Uuid7; issuers: Uuid7[] }

/** What clients requested and may use later; the gate may have refused it. */
export type Promised = {
  reservations: { account: AccountId; reservationId: Uuid7 }[]
  elections: Uuid7[]
  approvals: Uuid7[]
  bounties: Uuid7[]
  tokens: PromisedToken[]
}
export const nothingPromised = (): Promised => ({
  reservations: [],
  elections: [],
  approvals: [],
  bounties: [],
  tokens: [],
})

/** A random command of the treasury, the chat, an election or a budget policy, most often a transfer. */
export function randomCommand(random: Random, commandId: Uuid7, nowMs: number, promised: Promised): ClientCommand {
  if (random.happens(0.2)) return electionCommand(random, commandId, promised)
  if (random.happens(0.02)) return boundUser(random)
  if (random.happens(0.02)) return listSome(random)
  const payer = () => (random.happens(0.5) ? payers[random.below(2)] : random.pick(payers)) ?? payers[0]
  const amountMicros = 1 + random.below(80)
  const dice = random.below(100)
  if (dice < 8)
    return commandFor(TransferFunds, { transferId: commandId, from: external, to: payers[0], amountMicros, reason })
  if (dice < 48)
    return commandFor(TransferFunds, { transferId: commandId, from: payer(), to: payer(), amountMicros, reason })
  if (dice < 62) {
    const of = { account: payer(), reservationId: commandId }
    promised.reservations.push(of)
    return commandFor(ReserveFunds, {
      ...of,
      amountMicros,
      expiresAt: isoTime(nowMs + random.pick([2_000, 60_000, 3_600_000])),
    })
  }
  const [of] = promised.reservations.slice(random.below(promised.reservations.length))
  if (of && dice < 74) return commandFor(SettleReservation, { ...of, actualMicros: random.below(120) })
  if (of && dice < 80) return commandFor(ReleaseReservation, of)
  if (dice < 84) return commandFor(FreezeAccount, { account: payer(), reason })
  if (dice < 88) return commandFor(UnfreezeAccount, { account: payer(), reason })
  if (dice < 90) return commandFor(FreezeTreasury, { reason })
  if (dice < 93) return commandFor(UnfreezeTreasury, { reason })
  if (dice < 95)
    return commandFor(SetAccountLimits, { account: payer(), dailyMicros: random.below(400), perActionMicros: 60 })
  return commandFor(SubmitPrompt, { requestId: commandId, text: 'Why is the sky blue?' })
}

/** The scopes whose policies clients set. */
export const boundScopes = [
  PolicyScope.parse('user'),
  PolicyScope.parse('user:ada'),
  PolicyScope.parse('user:bob'),
] as const

/** Sets the budget policy of a user; the simulated worker charges the council alone. */
const boundUser = (random: Random): ClientCommand =>
  commandFor(SetBudgetPolicy, {
    scope: random.pick(boundScopes),
    dailyMicros: random.below(1_000),
    softPercent: 1 + random.below(100),
    onExceed: random.pick(onExceedModes),
    timeZone: random.pick(['UTC', 'Europe/Berlin', 'Pacific/Auckland']),
  })

/** The names of the prices that clients list. */
export const pricedNames = [PriceName.parse('small'), PriceName.parse('large')] as const

/** Lists a price as the settings of a worker may have it: sometimes again, and sometimes under a name that has other rates. */
function listSome(random: Random): ClientCommand {
  const name = random.pick(pricedNames)
  const [promptMicrosPer1000, completionMicrosPer1000] = [1 + random.below(2), 1 + random.below(2)]
  return commandFor(ListPrice, {
    name,
    priceRef: `${name}@${promptMicrosPer1000}/1`,
    models: [random.pick(['simulated', 'other'])],
    promptMicrosPer1000,
    cachedPromptMicrosPer1000: promptMicrosPer1000,
    completionMicrosPer1000,
    ...(random.happens(0.5) && { validFrom: '2026-11-24' }),
  })
}

const members = ['ada', 'bob', 'eve'] as const
/** The rankings of two candidates out of three: a member may not vote for its own. */
const rankings = ['AB', 'BA', 'AC', 'CA', 'BC', 'CB'] as const

/** Seats a council, opens an election, or votes, abstains or counts in one of the last two that were opened. */
function electionCommand(random: Random, commandId: Uuid7, { elections }: Promised): ClientCommand {
  if (random.happens(0.15)) return seatSome(random)
  const electionId = elections.at(-1 - random.below(Math.min(2, elections.length)))
  if (electionId === undefined || random.happens(0.1)) {
    elections.push(commandId)
    return openElection(commandId)
  }
  const member = random.pick(members)
  const dice = random.below(20)
  if (dice < 16) return commandFor(CastBallot, { electionId, member, ballot: random.pick(rankings).split('') })
  if (dice < 18) return commandFor(RejectBallot, { electionId, member, why: 'invalid' })
  return commandFor(CloseElection, { electionId })
}

const openElection = (electionId: Uuid7): ClientCommand =>
  commandFor(OpenElection, {
    electionId,
    purpose: 'bounty',
    ref: electionId,
    candidates: members.map((author, index) => ({ label: 'ABC'.charAt(index), standsFor: author, author })),
    electorate: members.map((member) => ({ member, weight: 1 })),
    ownCandidateAllowed: false,
    method: 'ranked_pairs',
    quorum: 1,
    seed: electionId,
  })

/** Seats two of the three members, with the third in the chair. */
function seatSome(random: Random): ClientCommand {
  const first = random.below(members.length)
  const seat = (index: number) => {
    const id = members[index % members.length] ?? members[0]
    return { id, name: id, persona: `You are ${id}.`, temperature: 0, maxTokens: 100 }
  }
  return commandFor(SeatCouncil, {
    councilId: 'main',
    hash: String(first).repeat(64),
    members: [first, first + 1].map((index) => ({ ...seat(index), weight: 1 })),
    chair: seat(first + 2),
    method: 'ranked_pairs',
    quorum: 1,
    ownDraftAllowed: false,
    critique: true,
  })
}
