import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { parsePrices, type Prices } from '../../agents/models/prices.ts'
import { SetBudgetPolicy } from '../../commands/budget/set-budget-policy.ts'
import type { BudgetTerms, PolicyScope } from '../../events/policy.ts'
import { messageOf } from '../../platform/platform-error.ts'
import { CliError } from '../failure.ts'

/** Reads a file of policies: a JSON list of the fields of `SetBudgetPolicy`, each scope once. Throws CliError `usage`. */
export const readPolicies = (path: string): Map<PolicyScope, BudgetTerms> =>
  read(path, (content) => {
    const list = z.array(SetBudgetPolicy.schema).safeParse(content)
    if (!list.success) throw new Error(z.prettifyError(list.error))
    const policies = new Map<PolicyScope, BudgetTerms>()
    for (const { scope, ...terms } of list.data) {
      if (policies.has(scope)) throw new Error(`${scope} has more than one policy`)
      policies.set(scope, terms)
    }
    return policies
  })

/** Reads a file of prices. Throws CliError `usage`. */
export const readPrices = (path: string): Prices => read(path, parsePrices)

function read<T>(path: string, parse: (content: unknown) => T): T {
  try {
    return parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new CliError('usage', `${path} cannot be used: ${messageOf(error)}`)
  }
}
