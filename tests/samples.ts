import { recordMissing } from './support/event-samples.ts'

/** Records a sample and the shape of every event version that has none yet (`npm run samples`). */
const written = recordMissing()
console.log(written.length > 0 ? `recorded ${written.join(', ')}` : 'every event version has its sample and its shape')
