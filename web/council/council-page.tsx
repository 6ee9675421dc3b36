import { useEffect } from 'preact/hooks'
import { followLink, goTo } from '../shell/route.ts'
import { loadSubjects, subjects } from '../shell/subjects.ts'
import { moment } from '../shell/times.ts'
import { ElectionView } from './election-view.tsx'
import { methodName, type ElectionRow } from './election-rows.ts'
import { elections } from './elections.ts'
import { Members } from './members-table.tsx'

/** Who sits on the council and what each member is worth; its elections, each with its ballots and a recount. */
export function CouncilPage({ electionId }: { electionId: string | null }) {
  const loaded = elections.value
  const rows = loaded.state === 'there' ? loaded.value : []
  useEffect(() => void loadSubjects(), [rows[0]?.election])
  const shown = electionId ?? rows[0]?.election ?? null
  return (
    <div class="page wide">
      <header class="page-head">
        <h1>Council</h1>
      </header>
      <Members />
      <section class="card panel" aria-label="Elections">
        <header>
          <h2>Elections</h2>
          <a class="file" href="/v1/elections?format=csv&limit=1000" download>
            CSV
          </a>
        </header>
        {loaded.state === 'loading' ? <p class="quiet small">Loading…</p> : null}
        {loaded.state === 'failed' ? <p class="bad small">{loaded.why}</p> : null}
        {loaded.state === 'there' && rows.length === 0 ? (
          <p class="quiet small">
            The council has not voted yet. It votes on drafts of answers, and on the work of bounties.
          </p>
        ) : null}
        {shown === null || (loaded.state === 'there' && rows.length === 0 && electionId === null) ? null : (
          <div class="elections">
            <List rows={rows} shown={shown} />
            <div class="detail">
              <h3 dir="auto">
                {subjectOf(
                  rows.find(({ election }) => election === shown),
                  shown,
                )}
              </h3>
              <ElectionView key={shown} electionId={shown} />
            </div>
          </div>
        )}
      </section>
    </div>
  )
}

function List({ rows, shown }: { rows: readonly ElectionRow[]; shown: string }) {
  return (
    <nav aria-label="Elections">
      <label class="pick small">
        Election{' '}
        <select value={shown} onChange={({ currentTarget: { value } }) => goTo(`/council/${value}`)}>
          {rows.map((row) => (
            <option key={row.election} value={row.election}>
              {moment(row.openedAt)} · {subjectOf(row, row.election).slice(0, 60)}
            </option>
          ))}
        </select>
      </label>
      <ul>
        {rows.map((row) => (
          <li key={row.election}>
            <a
              href={`/council/${row.election}`}
              aria-current={row.election === shown ? 'page' : undefined}
              onClick={followLink}
            >
              <span dir="auto">{subjectOf(row, row.election)}</span>
              <span class="quiet">
                {moment(row.openedAt)} · {methodName(row.method)} · {resultOf(row)}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

const resultOf = ({ status, winner, winnerMember }: ElectionRow): string =>
  status === 'decided' ? `${winner}${winnerMember === null ? '' : `, ${winnerMember}`}` : status

/** The question or the bounty that an election is about, as far as it is known. */
const subjectOf = (row: ElectionRow | undefined, electionId: string): string =>
  subjects.value.get(row?.ref ?? electionId) ??
  (row === undefined
    ? 'Election'
    : row.purpose === 'answer'
      ? `Answer ${row.ref.slice(0, 8)}…`
      : `Bounty ${row.ref.slice(0, 8)}…`)
