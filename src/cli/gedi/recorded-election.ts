import {
  electionStream,
  isElectionEvent,
  type CastableBallot,
  type ElectionEvent,
  type ElectionRules,
} from '../../events/election.ts'
import type { RecordedEvent } from '../../events/event.ts'
import type { Uuid7 } from '../../events/identifiers.ts'
import type { LogReader } from '../../events/log/log.ts'
import type { MemberBallot } from '../../gedi/decide.ts'
import { CliError } from '../failure.ts'

type Recorded<Type extends ElectionEvent['type']> = RecordedEvent<Extract<ElectionEvent, { type: Type }>>

/** An election as the log has it. */
export type RecordedElection = {
  rules: ElectionRules
  ballots: (MemberBallot & Pick<RecordedEvent, 'position'>)[]
  abstentions: Recorded<'BallotRejected'>[]
  /** Undefined while the election is open. */
  ending: Recorded<'ElectionDecided' | 'ElectionFailed'> | undefined
}

/** Reads one election from the log. Throws CliError `election_unknown`. */
export async function recordedElection(log: LogReader, electionId: Uuid7): Promise<RecordedElection> {
  const events: RecordedEvent<ElectionEvent>[] = []
  for await (const page of log.read({ streams: [electionStream(electionId)] }))
    events.push(...page.filter(isElectionEvent))
  const election = electionOf(events)
  if (!election) throw new CliError('election_unknown', `there is no election ${electionId} in the log`)
  return election
}

/** The election of one stream's events; undefined if it was never opened. */
export function electionOf(events: readonly RecordedEvent<ElectionEvent>[]): RecordedElection | undefined {
  const election: Omit<RecordedElection, 'rules'> = { ballots: [], abstentions: [], ending: undefined }
  let rules: ElectionRules | undefined
  for (const event of events)
    switch (event.type) {
      case 'ElectionOpened': {
        const { electionId: _, openedAt: __, ...recorded } = event.data
        rules = recorded
        break
      }
      case 'BallotCast':
        election.ballots.push({ member: event.data.member, ballot: event.data.ballot, position: event.position })
        break
      case 'BallotRejected':
        election.abstentions.push(event)
        break
      case 'ElectionDecided':
      case 'ElectionFailed':
        election.ending = event
        break
      default:
        event satisfies never
    }
  return rules && { rules, ...election }
}

/** `B > A > C` for a ranking; approvals and scores as JSON. */
export const formatBallot = (ballot: CastableBallot): string =>
  Array.isArray(ballot) ? ballot.join(' > ') : JSON.stringify(ballot)
