import { z } from 'zod'

/** A JSON list of texts from an `enum`. Ten texts make 1,024 rules of a grammar. */
const DistinctList = z.strictObject({
  type: z.literal('array'),
  items: z.strictObject({ type: z.literal('string'), enum: z.array(z.string()).min(1).max(10) }),
  minItems: z.int().nonnegative(),
  maxItems: z.int().positive(),
})

/**
 * A grammar of the lists that a schema allows and in which no text comes twice. Each set of texts that
 * are used already has a rule, so that n texts need 2^n rules, where a list of all orders would have n! texts. `literal` writes a
 * literal of the grammar. Throws for another kind of schema.
 */
export function distinctListGrammar(schema: unknown, literal: (text: string) => string): string {
  const { items, minItems, maxItems } = DistinctList.parse(schema)
  const texts = items.enum
  const rules: string[] = []
  for (let used = 0; used < 2 ** texts.length; used++) {
    const count = texts.filter((_, index) => (used >> index) % 2 === 1).length
    if (count > maxItems) continue
    const next = texts.flatMap((text, index) =>
      (used >> index) % 2 === 1 || count === maxItems
        ? []
        : [`${literal(`${count === 0 ? '' : ', '}${JSON.stringify(text)}`)} used-${used | (1 << index)}`],
    )
    const ends = [...next, ...(count >= minItems ? [literal(']')] : [])]
    if (ends.length > 0) rules.push(`used-${used} ::= ${ends.join(' | ')}`)
  }
  return [`root ::= ${literal('[')} used-0`, ...rules].join('\n')
}
