import { afterAll, beforeAll, expect, onTestFinished } from 'vitest'
import type { RecordedEvent } from '../../src/events/event.ts'
import { connectChat, type ChatClient } from './chat-client.ts'
import { openTestCouncil, type TestCouncil } from './council.ts'
import { serveCouncil, type ServedCouncil } from './served-council.ts'
import { councilSettings, redisUrl, type CouncilSettings } from './shared-servers.ts'
import { startVllmStandIn, type StandIn, type StandInOptions } from './vllm-stand-in/server.ts'

/** A council on the shared servers, its model server, and its log as seen from outside. */
export type TestScene = {
  settings: CouncilSettings
  model: StandIn
  council: ServedCouncil
  log: TestCouncil
  connect: () => Promise<ChatClient>
  /** Starts a worker process of the same council, and kills it when the test ends. */
  startWorker: () => Promise<ServedCouncil>
  /** The events of one prompt, of its chat and of its money, in their order. */
  eventsOf: (requestId: string, type?: RegExp) => Promise<PromptEvent[]>
}

type PromptEvent = RecordedEvent<{ type: string; data: Record<string, unknown> }>

/**
 * Serves a council during the tests of the file or block that calls this, and expects it to stop in order. The fields
 * of the result are set when the first test begins.
 */
export function serveForTests({
  roles,
  settings = {},
  model = {},
}: { roles?: string; settings?: Record<string, string>; model?: StandInOptions } = {}): TestScene {
  const scene = {} as TestScene
  beforeAll(async () => {
    scene.model = await startVllmStandIn(model)
    scene.settings = await councilSettings({ VLLM_URL: scene.model.url, ...settings })
    scene.council = await serveCouncil(scene.settings, roles)
    scene.log = await openTestCouncil(redisUrl, scene.settings.COUNCIL_ID)
  })
  afterAll(async () => {
    scene.log.close()
    expect(await scene.council.stop()).toBe(0)
    await scene.model.close()
  })
  return Object.assign(scene, {
    connect: () => connectChat(scene.council.url),
    async startWorker() {
      const worker = await serveCouncil(scene.settings, 'worker')
      onTestFinished(worker.kill)
      return worker
    },
    async eventsOf(requestId: string, type = /./) {
      const events = (await scene.log.events()) as PromptEvent[]
      return events.filter((event) => event.metadata.requestId === requestId && type.test(event.type))
    },
  })
}
