import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type Transaction,
} from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Projection } from '../../src/projections/engine/projection.ts'
import { readModels } from '../../src/projections/read-models.ts'

/** Every stored table by version. After a change raise the version and record the new statements: servers then rebuild it. */
const recorded: Record<string, { version: number; statements: string[] }> = {
  chats: {
    version: 3,
    statements: [
      'create table "s"."chats" ("request_id" text primary key, "conversation_id" text not null, "actor" text not null, ' +
        '"status" text not null, "prompt" text not null, "requested_path" text, "path" text, "intent" text, "attempts" integer not null, ' +
        '"answer" text not null, "finish_reason" text, "failure_code" text, "failure_message" text, "degraded" boolean not null, ' +
        '"cost_micros" bigint not null, "prompt_tokens" bigint not null, "completion_tokens" bigint not null, ' +
        '"queued_ms" double precision, "first_token_ms" double precision, "total_ms" double precision, ' +
        '"submitted_at" timestamptz not null, "ended_at" timestamptz, "first_position" text not null, "last_position" text not null, ' +
        '"last_sequence" bigint not null)',
      'create index on "s"."chats" (conversation_id, submitted_at)',
      'create index on "s"."chats" (submitted_at)',
      `create index on "s"."chats" (actor, conversation_id, last_sequence) where ended_at is not null and answer <> ''`,
    ],
  },
  costs: {
    version: 3,
    statements: [
      'create table "s"."costs" ("sequence" bigint primary key, "position" text not null unique, "stream" text not null, ' +
        '"call_id" text not null unique, "request_id" text collate "C" not null, "asker" text collate "C", "agent" text collate "C", ' +
        '"model" text collate "C" not null, "phase" text collate "C" not null, "member" text collate "C" not null, ' +
        '"usage" text not null, "prompt_tokens" bigint not null, "cached_prompt_tokens" bigint, "completion_tokens" bigint not null, ' +
        '"price_ref" text not null, "actual_micros" bigint not null, "settled_at" timestamptz not null)',
      'create index on "s"."costs" (request_id)',
      'create index on "s"."costs" (settled_at)',
      'create table "s"."cost_askers" ("request_id" text collate "C" primary key, "asker" text not null, ' +
        '"last_position" text not null, "last_sequence" bigint not null)',
    ],
  },
  budgets: {
    version: 2,
    statements: [
      'create table "s"."budgets" ("stream" text collate "C" primary key, "scope" text collate "C" not null, "day" date not null, ' +
        '"daily_micros" bigint, "soft_percent" integer, "on_exceed" text, "time_zone" text, "opens_at" timestamptz, ' +
        '"closes_at" timestamptz, "spent_micros" bigint not null, "reserved_micros" bigint not null, "open_calls" jsonb not null, ' +
        '"calls" integer not null, "throttled_at" timestamptz, ' +
        '"alerts" jsonb not null, "last_position" text not null, "last_sequence" bigint not null)',
      'create index on "s"."budgets" (day, scope)',
    ],
  },
  policies: {
    version: 1,
    statements: [
      'create table "s"."policies" ("scope" text collate "C" primary key, "daily_micros" bigint not null, ' +
        '"soft_percent" integer not null, "on_exceed" text not null, "time_zone" text not null, "times_set" integer not null, ' +
        '"set_by" text not null, "set_at" timestamptz not null, "last_position" text not null, "last_sequence" bigint not null)',
    ],
  },
  prices: {
    version: 1,
    statements: [
      'create table "s"."prices" ("listing" text collate "C" primary key, "price_ref" text collate "C" not null, "models" jsonb, ' +
        '"prompt_micros_per_1000" bigint not null, "cached_prompt_micros_per_1000" bigint not null, ' +
        '"completion_micros_per_1000" bigint not null, "valid_from" date, "listed_by" text not null, ' +
        '"listed_at" timestamptz not null, "first_sequence" bigint not null, "last_position" text not null, ' +
        '"last_sequence" bigint not null)',
      'create index on "s"."prices" (first_sequence)',
    ],
  },
  entries: {
    version: 1,
    statements: [
      'create table "s"."entries" ("sequence" bigint primary key, "position" text not null unique, ' +
        '"account_id" text collate "C" not null, "movement" text collate "C" not null, "transfer_id" text not null, ' +
        '"counterparties" jsonb not null, "amount_micros" bigint not null, "balance_micros" bigint not null, "reason" text not null, ' +
        '"ref" text, "actor" text not null, "request_id" text, "occurred_at" timestamptz not null)',
      'create index on "s"."entries" (account_id, sequence)',
      'create index on "s"."entries" (movement)',
    ],
  },
  tokens: {
    version: 1,
    statements: [
      'create table "s"."tokens" ("token_id" text collate "C" primary key, "subject" text collate "C" not null, ' +
        '"scopes" jsonb not null, "label" text not null, "issuer" text, "issued_by" text not null, "issued_at" timestamptz not null, ' +
        '"expires_at" timestamptz, "revoked_by" text, "revoked_at" timestamptz, "revoked_why" text, "first_position" text not null, ' +
        '"last_position" text not null, "last_sequence" bigint not null)',
      'create index on "s"."tokens" (subject, token_id)',
    ],
  },
  accounts: {
    version: 2,
    statements: [
      'create table "s"."accounts" ("account_id" text collate "C" primary key, "status" text not null, ' +
        '"balance_micros" bigint not null, "reserved_micros" bigint not null, "daily_limit_micros" bigint, ' +
        '"action_limit_micros" bigint, "last_position" text not null, "last_sequence" bigint not null)',
    ],
  },
  bounties: {
    version: 1,
    statements: [
      'create table "s"."bounties" ("bounty_id" text collate "C" primary key, "status" text not null, "title" text not null, ' +
        '"task" text not null, "criteria" text not null, "reward_micros" bigint not null, "bonus_micros" bigint not null, ' +
        '"deadline" timestamptz not null, "claim_seconds" integer not null, "proposed_by" text not null, ' +
        '"proposed_at" timestamptz not null, "opened_by" text, "opened_at" timestamptz, "worker" text, ' +
        '"claim_expires_at" timestamptz, "work" text, "submitted_at" timestamptz, "round" integer not null, ' +
        '"attempts" integer not null, "election_id" text, "judging_failed_why" text, "judging_next_at" timestamptz, ' +
        '"verdict" text, "judging_calls" integer not null, "judging_micros" bigint not null, "paid_micros" bigint not null, ' +
        '"refunded_micros" bigint, "ended_why" text, "ended_at" timestamptz, "first_position" text not null, ' +
        '"last_position" text not null, "last_sequence" bigint not null)',
      'create index on "s"."bounties" (status, bounty_id)',
    ],
  },
  elections: {
    version: 2,
    statements: [
      'create table "s"."elections" ("election_id" text collate "C" primary key, "purpose" text not null, "ref" text not null, ' +
        '"method" text not null, "status" text not null, "failed_why" text, "winner" text, "winner_member" text, "winners" jsonb, ' +
        '"order" jsonb, "tally" jsonb, "trace" jsonb, "quorum" integer not null, "ballots" integer not null, ' +
        '"abstentions" integer not null, "candidates" jsonb not null, "electorate" jsonb not null, "own_candidate_allowed" boolean not null, ' +
        '"seed" text not null, "dictator" text, "opened_at" timestamptz not null, "closed_at" timestamptz, ' +
        '"first_position" text not null, "last_position" text not null, "last_sequence" bigint not null)',
      'create index on "s"."elections" (ref)',
      'create table "s"."ballots" ("ballot_id" text collate "C" primary key, "election_id" text collate "C" not null, ' +
        '"member" text not null, "method" text not null, "status" text not null, "ballot" jsonb, "winner_rank" integer, ' +
        '"own_label" text, "abstained_why" text, "voted_position" text, "call_id" text, "last_position" text not null, ' +
        '"last_sequence" bigint not null)',
      'create index on "s"."ballots" (election_id)',
      'create index on "s"."ballots" (member)',
    ],
  },
  members: {
    version: 2,
    statements: [
      'create table "s"."members" ("member" text collate "C" primary key, "name" text, "persona" text, "model" text, ' +
        '"weight" double precision, "seat" text, "elections" integer not null, "drafts" integer not null, ' +
        '"drafts_failed" integer not null, "drafts_timed" integer not null, "draft_ms" bigint not null, ' +
        '"candidates_ranked" integer not null, "rank_sum" double precision not null, "wins" integer not null, ' +
        '"ballots" integer not null, "abstentions" integer not null, "ballots_compared" integer not null, ' +
        '"ballots_agreeing" integer not null, "calls" integer not null, "cost_micros" bigint not null, ' +
        '"last_position" text not null, "last_sequence" bigint not null)',
      'create table "s"."open_elections" ("election_id" text collate "C" primary key, "method" text not null, ' +
        '"own_candidate_allowed" boolean not null, "authors" jsonb not null, "ballots" jsonb not null, ' +
        '"last_position" text not null, "last_sequence" bigint not null)',
      'create table "s"."open_drafts" ("request_id" text collate "C" primary key, "started_ms" jsonb not null, ' +
        '"last_position" text not null, "last_sequence" bigint not null)',
    ],
  },
  approvals: {
    version: 1,
    statements: [
      'create table "s"."approvals" ("approval_id" text collate "C" primary key, "action" text not null, ' +
        '"exact_arguments" text not null, "arguments_hash" text not null, "cost_micros" bigint not null, "risk" text not null, ' +
        '"mode" text not null, "why" text not null, "requested_by" text not null, "requested_at" timestamptz not null, ' +
        '"edited_by" text, "replaces" text, "replaced_by" text, "resumes" text, "expires_at" timestamptz not null, ' +
        '"status" text not null, "decided_by" text, "decided_at" timestamptz, "reason" text, "outcome" text, ' +
        '"outcome_code" text, "first_position" text not null, "last_position" text not null, "last_sequence" bigint not null)',
      'create index on "s"."approvals" (status, approval_id)',
    ],
  },
  agents: {
    version: 1,
    statements: [
      'create table "s"."agents" ("agent_id" text collate "C" primary key, "account_id" text not null, "seed_micros" bigint not null, ' +
        '"registered_by" text not null, "registered_at" timestamptz not null, "last_position" text not null, ' +
        '"last_sequence" bigint not null)',
    ],
  },
  log_index: {
    version: 1,
    statements: [
      'create table "s"."log_index" ("sequence" bigint primary key, "position" text not null, "stream" text collate "C" not null, ' +
        '"revision" bigint not null, "type" text collate "C" not null, "actor" text collate "C" not null, ' +
        '"request_id" text collate "C", "event_id" text collate "C" not null, "command_id" text collate "C" not null, ' +
        '"causation_id" text collate "C" not null, "occurred_at" timestamptz not null)',
      'create index on "s"."log_index" (stream, sequence)',
      `create index on "s"."log_index" (split_part(stream, '/', 1), sequence)`,
      'create index on "s"."log_index" (type, sequence)',
      'create index on "s"."log_index" (actor, sequence)',
      'create index on "s"."log_index" (request_id, sequence) where request_id is not null',
      'create index on "s"."log_index" (event_id)',
      'create index on "s"."log_index" (command_id, sequence)',
      'create index on "s"."log_index" (causation_id, sequence) where causation_id <> command_id',
    ],
  },
  mode_history: {
    version: 1,
    statements: [
      'create table "s"."mode_history" ("sequence" bigint primary key, "position" text not null unique, "mode_from" text, ' +
        '"mode_to" text, "reason" text, "threshold_micros" bigint, "approve_answers" boolean, "timeout_seconds" integer, ' +
        '"changed_by" text not null, "occurred_at" timestamptz not null)',
    ],
  },
}

async function statementsOf(projection: Projection): Promise<string[]> {
  const statements: string[] = []
  const db = new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (of) => new PostgresIntrospector(of),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    log: ({ query }) => void statements.push(query.sql.trim()),
  })
  await projection.createTables(db as Transaction<unknown>, 's')
  return statements
}

describe('the tables of the read models', () => {
  test.each(readModels.map((projection) => [projection.name, projection] as const))(
    'of %s are those recorded for its version',
    async (name, projection) => {
      expect({ version: projection.version, statements: await statementsOf(projection) }).toEqual(recorded[name])
    },
  )
})
