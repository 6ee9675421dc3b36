import { checkArchitecture } from './support/architecture.ts'

/** The architecture's rules as a check (`npm run rules`). Fails on a broken rule, and when files were not looked at. */
const { violations, seen, unseen } = await checkArchitecture(process.cwd())
for (const violation of violations) console.error(`error ${violation}`)
for (const file of unseen) console.error(`error not-looked-at: ${file}`)
if (seen === 0) console.error('error no file was looked at: does dependency-cruiser know this TypeScript?')
console.log(`${seen} files, ${violations.length} broken rules`)
process.exitCode = violations.length > 0 || unseen.length > 0 || seen === 0 ? 1 : 0
