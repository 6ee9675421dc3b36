import { evaluations, type EvaluationDependencies, type Evaluations } from './evaluations.ts'
import { createFeed, type Feed, type Subscriber } from './feed.ts'
import type { Topic } from './topic.ts'

/** The topics that clients of this process follow. */
export type LiveTopics = {
  /**
   * Subscribes to a topic, in the name of a subject: the newest value comes first, then each new one. Returns the function that ends it;
   * null: too many topics are followed.
   */
  subscribe: (topic: Topic, subject: string, subscriber: Subscriber) => (() => void) | null
}

/** Different topics, or views of one topic, that this process follows. */
const maxTopics = 5_000
/** Those that one subject was the first to follow. */
const maxTopicsPerSubject = 200
/** Of the newest values of all topics together. */
const maxBytes = 256 * 1024 * 1024

/** Subscriptions to the same topic with the same view share one evaluation and one serialised value. */
export function liveTopics(dependencies: EvaluationDependencies): LiveTopics {
  const feeds = new Map<string, Feed>()
  const byReadModel = new Map<string, Evaluations>()
  const begunBy = new Map<string, number>()

  function evaluationsOf({ readModel }: Topic): Evaluations {
    const known = byReadModel.get(readModel.name)
    if (known) return known
    const made = evaluations(readModel, dependencies)
    byReadModel.set(readModel.name, made)
    return made
  }

  /** Begins a topic that has no subscriber yet; null: too many are followed. */
  function begin(topic: Topic, subject: string): Feed | null {
    const begun = begunBy.get(subject) ?? 0
    const isFull = feeds.size >= maxTopics || begun >= maxTopicsPerSubject
    if (isFull || [...feeds.values()].reduce((sum, feed) => sum + feed.size(), 0) >= maxBytes) return null
    begunBy.set(subject, begun + 1)
    const made = createFeed(topic, function forget() {
      feeds.delete(topic.key)
      evaluationsOf(topic).remove(made)
      const left = (begunBy.get(subject) ?? 1) - 1
      if (left === 0) begunBy.delete(subject)
      else begunBy.set(subject, left)
    })
    feeds.set(topic.key, made)
    evaluationsOf(topic).add(made)
    return made
  }

  return {
    subscribe(topic, subject, subscriber) {
      const feed = feeds.get(topic.key) ?? begin(topic, subject)
      if (!feed) return null
      feed.add(subscriber)
      return () => feed.remove(subscriber)
    },
  }
}
