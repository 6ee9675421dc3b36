import { evaluations, type EvaluationDependencies, type Evaluations } from './evaluations.ts'
import { followEvents, type EventSubscription, type FollowedLog } from './event-follower.ts'
import { createFeed, type Feed, type Subscriber } from './feed.ts'
import type { Topic } from './topic.ts'

/** The topics that clients of this process follow. */
export type LiveTopics = {
  /**
   * Subscribes to a topic, in the name of a subject: the newest value comes first, then each new one. Returns the function that ends it;
   * null: too many topics are followed.
   */
  subscribe: (topic: Topic, subject: string, subscriber: Subscriber) => (() => void) | null
  /** The same for events, which each subscription gets by itself. */
  followEvents: (subscription: EventSubscription, subject: string) => (() => void) | null
}

/** Different topics, or views of one topic, that this process follows. */
const maxTopics = 5_000
/** Those that one subject was the first to follow. */
const maxTopicsPerSubject = 200
/** Of the newest values of all topics together. */
const maxBytes = 256 * 1024 * 1024

/** Subscriptions to the same topic with the same view share one evaluation and one serialised value. */
export function liveTopics(dependencies: EvaluationDependencies & FollowedLog): LiveTopics {
  const feeds = new Map<string, Feed>()
  const byReadModel = new Map<string, Evaluations>()
  const begunBy = new Map<string, number>()
  let begun = 0

  function evaluationsOf({ readModel }: Topic): Evaluations {
    const known = byReadModel.get(readModel.name)
    if (known) return known
    const made = evaluations(readModel, dependencies)
    byReadModel.set(readModel.name, made)
    return made
  }

  /** Takes a place for a topic; returns the function that frees it. Null: too many are followed. */
  function takePlace(subject: string): (() => void) | null {
    const ofSubject = begunBy.get(subject) ?? 0
    const isFull = begun >= maxTopics || ofSubject >= maxTopicsPerSubject
    if (isFull || [...feeds.values()].reduce((sum, feed) => sum + feed.size(), 0) >= maxBytes) return null
    begun += 1
    begunBy.set(subject, ofSubject + 1)
    return () => {
      begun -= 1
      const left = (begunBy.get(subject) ?? 1) - 1
      if (left === 0) begunBy.delete(subject)
      else begunBy.set(subject, left)
    }
  }

  /** Begins a topic that has no subscriber yet; null: too many are followed. */
  function begin(topic: Topic, subject: string): Feed | null {
    const freePlace = takePlace(subject)
    if (!freePlace) return null
    const made = createFeed(topic, function forget() {
      feeds.delete(topic.key)
      evaluationsOf(topic).remove(made)
      freePlace()
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
    followEvents(subscription, subject) {
      const freePlace = takePlace(subject)
      if (!freePlace) return null
      const end = followEvents(dependencies, subscription)
      return () => {
        end()
        freePlace()
      }
    },
  }
}
