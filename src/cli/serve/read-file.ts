import { readFileSync } from 'node:fs'

/** Reads and parses the JSON file of a setting, before anything is started. Throws Error, naming the setting, the file and the fault. */
export function readJsonFile<T>(setting: string, file: string, parse: (content: unknown) => T): T {
  try {
    return parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    throw new Error(`${setting} ${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
