/**
 * Groups of words that mean much the same for a triage in every language, so that the classifier learns from all languages at once.
 * A cue decides nothing by itself; the trained weights say what each cue tells about the intent.
 */
export type Cue =
  /** A greeting, thanks, or a goodbye. */
  | 'greeting'
  /** Asking someone to do something: `could you`. */
  | 'request'
  /** A deed in the world or with tools, as a command or an infinitive: `send`. */
  | 'deed'
  /** A verb that begins many deeds, but not only deeds: `set`. */
  | 'handle'
  /** Asking to be told something: `name the`. */
  | 'tell'
  /** Data that is true only now: `right now`. */
  | 'live'
  /** Things that change by the hour: `weather`. */
  | 'feed'
  | 'date'
  | 'mine'
  | 'we'
  /** Things that deeds are done to: `calendar`. */
  | 'thing'
  /** Asking for the way to do something oneself. */
  | 'howto'
  | 'who'
  | 'whatis'
  /** Words of dictionaries and encyclopaedias: `plural`, `planet`. */
  | 'reference'
  /** Work on a text that comes with the question: `translate`. */
  | 'textwork'
  | 'text'
  /** Mental work in several steps: `analyse`. */
  | 'work'
  /** The subject of such work: `trade-offs`. */
  | 'depth'
  /** A decision with something at stake: `should we`. */
  | 'decide'
  | 'why'
  | 'ideas'
  | 'whatif'
  | 'naming'
  | 'taste'
  | 'superlative'
  | 'nice'
  | 'abstract'
  | 'you'
  | 'conditional'
  | 'choice'
  /** A remark on the conversation so far: `again`. */
  | 'followup'
  /** A text of a known form, or a count: `write a poem`. */
  | 'tale'

/** The words of one language, in lower case without accents, separated by white space. */
export type Vocabulary = {
  /** Frequent words that tell the language. */
  functionWords: string
  /** Letters and marks that only this language has. */
  letters: RegExp
  /** Endings of verbs. */
  endings: string
  /** In a list, `*` takes the place of any letters, `+` of the ending of a verb, and `_` of a space. */
  cues: Record<Cue, string>
}
