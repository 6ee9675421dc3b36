import type { Violation } from '../checks/violation.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** Something that goes wrong, and is over when `strike` resolves. What it finds by itself it returns. */
export type Fault = { name: string; strike: (stage: Stage, random: Random) => Promise<readonly Violation[]> }
