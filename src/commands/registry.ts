import type { StreamName } from '../events/identifiers.ts'
import type { TokenScope } from '../events/token.ts'
import { account } from './aggregates/account.ts'
import { agent } from './aggregates/agent.ts'
import { approval } from './aggregates/approval.ts'
import { bounty } from './aggregates/bounty.ts'
import { budget } from './aggregates/budget.ts'
import { chat } from './aggregates/chat.ts'
import { council } from './aggregates/council.ts'
import { election } from './aggregates/election.ts'
import { governance } from './aggregates/governance.ts'
import { policy } from './aggregates/policy.ts'
import { prices } from './aggregates/prices.ts'
import { refusals } from './aggregates/refusals.ts'
import { seals } from './aggregates/seals.ts'
import { token } from './aggregates/token.ts'
import { treasury } from './aggregates/treasury.ts'
import { RegisterAgent } from './agent/register-agent.ts'
import { CloseApproval } from './approval/close-approval.ts'
import { DenyApproval } from './approval/deny-approval.ts'
import { editApproval } from './approval/edit-approval.ts'
import { ExpireApproval } from './approval/expire-approval.ts'
import { GrantApproval } from './approval/grant-approval.ts'
import type { FindAction } from './approval/proposed.ts'
import { requestApproval } from './approval/request-approval.ts'
import { AdvanceBounty } from './bounty/advance-bounty.ts'
import { CancelBounty } from './bounty/cancel-bounty.ts'
import { ClaimBounty } from './bounty/claim-bounty.ts'
import { FundBounty } from './bounty/fund-bounty.ts'
import { JudgeBounty } from './bounty/judge-bounty.ts'
import { OpenBounty } from './bounty/open-bounty.ts'
import { ProposeBounty } from './bounty/propose-bounty.ts'
import { StartJudging } from './bounty/start-judging.ts'
import { SubmitBountyWork } from './bounty/submit-bounty-work.ts'
import { CloseBudgetDay } from './budget/close-budget-day.ts'
import { DebitBudget } from './budget/debit-budget.ts'
import { ReportHardLimit } from './budget/report-hard-limit.ts'
import { ReserveBudget } from './budget/reserve-budget.ts'
import { SetBudgetPolicy } from './budget/set-budget-policy.ts'
import { CancelAnswer } from './chat/cancel-answer.ts'
import { CancelPrompt } from './chat/cancel-prompt.ts'
import { CompleteAnswer } from './chat/complete-answer.ts'
import { FailAnswer } from './chat/fail-answer.ts'
import { FailDraft } from './chat/fail-draft.ts'
import { FailSynthesis } from './chat/fail-synthesis.ts'
import { PausePrompt } from './chat/pause-prompt.ts'
import { ProduceCritique } from './chat/produce-critique.ts'
import { ProduceDraft } from './chat/produce-draft.ts'
import { ResumePrompt } from './chat/resume-prompt.ts'
import { RouteRequest } from './chat/route-request.ts'
import { StartAttempt } from './chat/start-attempt.ts'
import { SubmitPrompt } from './chat/submit-prompt.ts'
import type { Aggregate, CommandDefinition, ReadSet } from './decider.ts'
import { SeatCouncil } from './council/seat-council.ts'
import { CastBallot } from './election/cast-ballot.ts'
import { CloseElection } from './election/close-election.ts'
import { OpenElection } from './election/open-election.ts'
import { RejectBallot } from './election/reject-ballot.ts'
import { SetApprovalPolicy } from './governance/set-approval-policy.ts'
import { SwitchMode } from './governance/switch-mode.ts'
import { ListPrice } from './prices/list-price.ts'
import { IntroduceSealingKey } from './seals/introduce-sealing-key.ts'
import { SealLog } from './seals/seal-log.ts'
import { IssueToken } from './token/issue-token.ts'
import { RevokeToken } from './token/revoke-token.ts'
import { AdvanceAccount } from './treasury/advance-account.ts'
import { FreezeAccount } from './treasury/freeze-account.ts'
import { FreezeTreasury } from './treasury/freeze-treasury.ts'
import { OpenAccount } from './treasury/open-account.ts'
import { ReleaseReservation } from './treasury/release-reservation.ts'
import { ReserveFunds } from './treasury/reserve-funds.ts'
import { SetAccountLimits } from './treasury/set-account-limits.ts'
import { SettleReservation } from './treasury/settle-reservation.ts'
import { TransferFunds } from './treasury/transfer-funds.ts'
import { UnfreezeAccount } from './treasury/unfreeze-account.ts'
import { UnfreezeTreasury } from './treasury/unfreeze-treasury.ts'

type AnyCommand = CommandDefinition<unknown, ReadSet>

/** A command that HTTP clients may call, with the scope that its caller needs. `summary` is a sentence for them. */
export type PublicCommand = { definition: AnyCommand; scope: TokenScope; summary: string }

type Area = {
  aggregates: readonly Aggregate<unknown>[]
  /** Commands that only the council's own processes execute. */
  commands: readonly AnyCommand[]
  publicCommands: readonly PublicCommand[]
}

/** A definition parses its own commands, so callers may treat the parsed command as unknown. */
const internal = <C, Reads extends ReadSet>(definition: CommandDefinition<C, Reads>): AnyCommand =>
  definition as AnyCommand

/** The fields that the server fills in: the command's id, and the tokens of the authenticated request. */
type FilledIn<C> = { id?: keyof C & string; issuers?: keyof C & string }

const open = <C, Reads extends ReadSet>(
  definition: CommandDefinition<C, Reads>,
  scope: TokenScope,
  summary: string,
  { id, issuers }: FilledIn<NoInfer<C>> = {},
): PublicCommand => ({
  scope,
  summary,
  definition: { ...internal(definition), ...(id && { idField: id }), ...(issuers && { issuersField: issuers }) },
})

/** A command that can be proposed for approval. */
const findAction: FindAction = (name) => publicCommands.get(name)?.definition

/** Registers every aggregate and every command, by area, with the scope of each command that clients may call. */
export const areas: Readonly<Record<string, Area>> = {
  treasury: {
    aggregates: [account, treasury],
    commands: [internal(AdvanceAccount)],
    publicCommands: [
      open(OpenAccount, 'treasury:write', 'Opens an account without money.'),
      open(TransferFunds, 'treasury:write', 'Moves money between two accounts.'),
      open(ReserveFunds, 'treasury:write', 'Sets money of an account aside for one purpose, until it expires.', {
        id: 'reservationId',
      }),
      open(SettleReservation, 'treasury:write', 'Pays what a reservation was for, and frees the rest.'),
      open(ReleaseReservation, 'treasury:write', 'Frees a reservation without a payment.'),
      open(FreezeAccount, 'treasury:write', 'Stops all movements of an account.'),
      open(UnfreezeAccount, 'treasury:write', 'Lets money move on a frozen account again.'),
      open(FreezeTreasury, 'treasury:write', 'Stops all movements of money.'),
      open(UnfreezeTreasury, 'treasury:write', 'Lets money move again.'),
      open(SetAccountLimits, 'treasury:write', 'Sets what an account may spend a day and with one action.'),
    ],
  },
  agent: {
    aggregates: [agent],
    commands: [],
    publicCommands: [
      open(RegisterAgent, 'treasury:write', 'Registers an agent, opens its account and gives it its seed.'),
    ],
  },
  budget: {
    aggregates: [budget, policy],
    commands: [internal(ReserveBudget), internal(DebitBudget), internal(ReportHardLimit), internal(CloseBudgetDay)],
    publicCommands: [
      open(SetBudgetPolicy, 'treasury:write', 'Sets what a scope may spend a day, from its next budget on.'),
    ],
  },
  governance: {
    aggregates: [governance],
    commands: [],
    publicCommands: [
      open(SwitchMode, 'mode:write', 'Switches the mode: which actions of agents wait for a person.'),
      open(
        SetApprovalPolicy,
        'mode:write',
        'Sets from which cost on an action waits, whether answers wait, and for how long.',
      ),
    ],
  },
  prices: { aggregates: [prices], commands: [internal(ListPrice)], publicCommands: [] },
  approval: {
    aggregates: [approval],
    commands: [internal(ExpireApproval), internal(CloseApproval)],
    publicCommands: [
      // A proposal waits for a person, or the mode lets an agent's run.
      open(
        requestApproval(findAction),
        'chat:send',
        'Proposes an action, which waits for a person or runs, as the mode says.',
        { id: 'approvalId' },
      ),
      open(editApproval(findAction), 'approvals:write', 'Puts other arguments in the place of those that wait.', {
        id: 'replacementId',
      }),
      open(GrantApproval, 'approvals:write', 'Lets an action that waits run.'),
      open(DenyApproval, 'approvals:write', 'Refuses an action that waits.'),
    ],
  },
  bounty: {
    aggregates: [bounty],
    commands: [internal(AdvanceBounty), internal(StartJudging), internal(JudgeBounty)],
    publicCommands: [
      open(ProposeBounty, 'bounties:write', 'Proposes a bounty without money.', { id: 'bountyId' }),
      open(
        OpenBounty,
        'bounties:write',
        'Opens a bounty and moves its reward and bonus from the reserve to its escrow.',
        { id: 'bountyId' },
      ),
      open(FundBounty, 'bounties:write', 'Opens a proposed bounty with money from the reserve.'),
      open(ClaimBounty, 'bounties:write', 'Claims an open bounty for an agent.'),
      open(SubmitBountyWork, 'bounties:write', 'Submits the work for a claimed bounty; the council judges it.'),
      open(CancelBounty, 'bounties:write', 'Cancels a bounty; its money returns to the reserve.'),
    ],
  },
  chat: {
    aggregates: [chat],
    commands: [
      internal(SubmitPrompt),
      internal(StartAttempt),
      internal(RouteRequest),
      internal(ProduceDraft),
      internal(FailDraft),
      internal(ProduceCritique),
      internal(FailSynthesis),
      internal(PausePrompt),
      internal(ResumePrompt),
      internal(CancelPrompt),
      internal(CompleteAnswer),
      internal(FailAnswer),
      internal(CancelAnswer),
    ],
    publicCommands: [],
  },
  council: { aggregates: [council], commands: [internal(SeatCouncil)], publicCommands: [] },
  election: {
    aggregates: [election],
    commands: [internal(OpenElection), internal(CastBallot), internal(RejectBallot), internal(CloseElection)],
    publicCommands: [],
  },
  token: {
    aggregates: [token],
    commands: [],
    publicCommands: [
      open(IssueToken, 'tokens:write', 'Issues a token with at most the scopes and the lifetime of your own.', {
        id: 'tokenId',
        issuers: 'issuers',
      }),
      open(RevokeToken, 'tokens:write', 'Revokes a token and every token issued with it, and closes their sockets.'),
    ],
  },
  refusals: { aggregates: [refusals], commands: [], publicCommands: [] },
  seals: { aggregates: [seals], commands: [internal(SealLog), internal(IntroduceSealingKey)], publicCommands: [] },
}

/** Aggregates by stream name (an aggregate with a single stream) or by stream category. */
const aggregates: ReadonlyMap<string, Aggregate<unknown>> = new Map(
  Object.values(areas)
    .flatMap((area) => area.aggregates)
    .map((aggregate) => [aggregate.onlyStream ?? aggregate.category, aggregate]),
)

export const aggregateKinds: readonly string[] = [...aggregates.keys()].toSorted()

/** The aggregate that a stream belongs to; undefined for a stream of no known aggregate. */
export const aggregateOf = (stream: StreamName): Aggregate<unknown> | undefined =>
  aggregates.get(stream) ?? aggregates.get(stream.slice(0, stream.indexOf('/')))

/** The aggregates that have deadlines, with their state versions. The index of deadlines is made again when these change. */
export const deadlineRules: string = [...aggregates.values()]
  .filter((aggregate) => 'nextDeadlineMs' in aggregate)
  .map(({ category, stateVersion }) => `${category}:${stateVersion}`)
  .toSorted()
  .join(' ')

/** Whether a stream is append-only: events are appended at any revision, and it has no state. */
export const isAppendOnly = (stream: StreamName): boolean => aggregateOf(stream)?.appendOnly === true

/** The commands that HTTP clients may call, by name. */
export const publicCommands: ReadonlyMap<string, PublicCommand> = new Map(
  Object.values(areas)
    .flatMap((area) => area.publicCommands)
    .map((command) => [command.definition.name, command]),
)
