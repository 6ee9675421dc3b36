import { useEffect } from 'preact/hooks'
import { minute } from '../shell/minute.ts'
import { Accounts } from './accounts.tsx'
import { Budgets } from './budgets.tsx'
import { Costs } from './costs.tsx'
import { loadRecent } from './figures.ts'
import { MoneyHead } from './money-head.tsx'

/** The costs of a period by any grouping, today's budgets with their forecasts, and every account with its statement. */
export function MoneyPage() {
  useEffect(() => void loadRecent(minute.value), [minute.value])
  return (
    <div class="page wide">
      <MoneyHead />
      <div class="panels">
        <Costs />
        <Budgets />
        <Accounts />
      </div>
    </div>
  )
}
