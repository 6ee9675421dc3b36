export const intents = ['simple', 'complex', 'exploratory', 'action'] as const
export type Intent = (typeof intents)[number]

/** The intent of a question, and how certain it is. */
export type Triage = { intent: Intent; by: 'rule' | 'classifier'; confidence: number }

/** Chooses the intent of a question without a model. One rule holds for all: unless the user asks for another path, one model answers. */
export const triage = (_question: string): Triage => ({ intent: 'simple', by: 'rule', confidence: 1 })
