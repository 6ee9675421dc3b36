/** A council's server, and how to reach it. */
export type ServerAddress = {
  /** Of the HTTP API, without a slash at the end: `https://council.example`. */
  url: string
  /** Null in a page that is signed in: the browser sends its cookie. */
  token: string | null
  /** Names the server in messages, as in "the council at https://council.example". */
  shownAs: string
}

/** The headers that authenticate a request. */
export const authorization = ({ token }: ServerAddress): Record<string, string> =>
  token === null ? {} : { authorization: `Bearer ${token}` }
