import { createEmbeddedClient } from '../../src/agents/models/embedded/client.ts'
import { silentLogger } from '../../src/platform/logger.ts'

/** A program that only owns an embedded model: `embedded-owner.ts <model path>`. Prints the id of the model process. */
const modelPath = process.argv[2]
if (modelPath === undefined) throw new Error('which model?')
const client = createEmbeddedClient({
  modelPath,
  threads: 1,
  sequences: 1,
  contextTokens: 256,
  maxQueued: 0,
  logger: silentLogger,
})
await client.info()
process.stdout.write(`model process ${client.pid() ?? 0}\n`)
