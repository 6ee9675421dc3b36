/** The questions whose answers run, kept in the tab: after a reload the read model may not have the newest one yet. */

type Question = { conversationId: string; requestId: string; question: string }

const key = 'running questions'
const most = 20

const all = (): Question[] => {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(key) ?? '[]')
    return Array.isArray(stored) ? (stored as Question[]) : []
  } catch {
    return []
  }
}

function store(questions: readonly Question[]): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(questions.slice(-most)))
  } catch {
    // A tab without storage only forgets a question that is seconds old.
  }
}

export const remember = (question: Question): void => store([...all(), question])
export const forget = (requestId: string): void => store(all().filter((question) => question.requestId !== requestId))
export const remembered = (conversationId: string): Question[] =>
  all().filter((question) => question.conversationId === conversationId)
