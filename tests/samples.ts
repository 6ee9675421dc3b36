import { recordMissing } from './support/event-samples.ts'

/** `npm run samples` records a sample and the shape of every event version that has none. */
const recorded = recordMissing()
console.log(recorded.length > 0 ? `recorded ${recorded.join(', ')}` : 'every event version has a sample and a shape')
