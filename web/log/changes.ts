/** What became of a part of a value, by comparison with an earlier one. */
export type Change = { kind: 'added' } | { kind: 'removed'; before: unknown } | { kind: 'changed'; before: unknown }

/** The parts of a JSON value that differ from those of an earlier one, by path: `/openCalls/0199…`. The innermost that differs counts. */
export function changesBetween(before: unknown, after: unknown, path = ''): Map<string, Change> {
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after))
    return new Map(JSON.stringify(before) === JSON.stringify(after) ? [] : [[path, { kind: 'changed', before }]])
  const changes = new Map<string, Change>()
  for (const [key, value] of Object.entries(before))
    if (!Object.hasOwn(after, key)) changes.set(`${path}/${key}`, { kind: 'removed', before: value })
  for (const [key, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, key)) changes.set(`${path}/${key}`, { kind: 'added' })
    else
      for (const [at, change] of changesBetween(valueAt(before, key), value, `${path}/${key}`)) changes.set(at, change)
  }
  return changes
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null
const valueAt = (container: object, key: string): unknown => new Map(Object.entries(container)).get(key)
