import type { Violation } from '../checks/violation.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'

/** A fault that is over when `strike` resolves. `strike` resolves with the violations that it found. */
export type Fault = { name: string; strike: (stage: Stage, random: Random) => Promise<readonly Violation[]> }
