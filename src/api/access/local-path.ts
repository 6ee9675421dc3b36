const longestPath = 2_000
/** Browsers read `\` as `/`, and drop tabs and line ends. */
const misleading = /[\\\p{Cc}]/u
/** Signing in there would lead back to signing in. */
const isForSigningIn = (path: string): boolean => path === '/login' || path === '/logout'

/**
 * The page that a browser asked for before it signed in, as a path of this server with its query string. Anything else, such as another
 * server's address, becomes `/`, so that a link to the sign-in page cannot lead its visitor away.
 */
export function localPath(asked: unknown): string {
  if (typeof asked !== 'string' || asked.length > longestPath) return '/'
  if (!asked.startsWith('/') || asked.startsWith('//') || misleading.test(asked)) return '/'
  const here = 'http://council.invalid'
  const url = URL.parse(asked, here)
  if (url?.origin !== here || url.pathname.startsWith('//') || isForSigningIn(url.pathname)) return '/'
  return `${url.pathname}${url.search}`
}
