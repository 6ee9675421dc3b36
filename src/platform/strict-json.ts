/** Problems that JSON.parse accepts: duplicate keys, keys that change prototypes, and unbounded nesting. */
export type StrictJson = { ok: true; value: unknown } | { ok: false; problem: string }

/** Far deeper than any command or frame. */
export const maxDepth = 32

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Like `parseStrictJson`, from bytes; invalid UTF-8 is a problem and is not replaced. */
export function parseStrictJsonBytes(bytes: Uint8Array): StrictJson {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { ok: false, problem: 'is not UTF-8' }
  }
  return parseStrictJson(text)
}

/**
 * The value of a JSON text, or a problem: no JSON, the same key twice in one object (RFC 8259 leaves open which one counts),
 * a key `__proto__`, or more than 32 levels.
 */
export function parseStrictJson(text: string): StrictJson {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, problem: 'is not JSON' }
  }
  const problem = findProblem(text)
  return problem === null ? { ok: true, value } : { ok: false, problem }
}

const quote = 0x22
const backslash = 0x5c

/** Checks the keys and levels of a text that is valid JSON. */
function findProblem(text: string): string | null {
  /** The keys so far of each open object; null for an array. */
  const open: (Set<string> | null)[] = []
  let isKeyNext = false
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push(new Set())
        isKeyNext = true
        break
      case 0x5b: // [
        open.push(null)
        isKeyNext = false
        break
      case 0x7d: // }
      case 0x5d: // ]
        open.pop()
        break
      case 0x2c: // ,
        isKeyNext = open.at(-1) !== null
        break
      case quote: {
        const end = endOfString(text, at)
        if (isKeyNext) {
          const problem = takeKey(open.at(-1), text.slice(at, end + 1))
          if (problem !== null) return problem
        }
        isKeyNext = false
        at = end
        break
      }
      default:
    }
    if (open.length > maxDepth) return `is nested more than ${maxDepth} levels deep`
  }
  return null
}

function takeKey(keys: Set<string> | null | undefined, printed: string): string | null {
  const key = printed.includes('\\') ? String(JSON.parse(printed)) : printed.slice(1, -1)
  const shown = JSON.stringify(key.slice(0, 64))
  if (key === '__proto__') return `has the key ${shown}`
  if (keys?.has(key)) return `has the key ${shown} twice`
  keys?.add(key)
  return null
}

/** The end of the string that begins at a quote. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++
    if (backslashes % 2 === 0) return end
  }
}
