import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'
import { MissingPrerequisite } from './peers.ts'

/** Debian's Chromium, without a window. Throws MissingPrerequisite if there is none. */
export async function startChromium(): Promise<Browser> {
  const executablePath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'chromium'))
    .find((file) => existsSync(file))
  if (executablePath === undefined)
    throw new MissingPrerequisite('chromium is missing; as root, run tests/install-chromium.sh')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
}
