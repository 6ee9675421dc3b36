/** One server, or the nodes of a Redis Cluster from which the others are learned. All nodes take the same user and password. */
export type RedisAddress = { kind: 'server'; url: string } | ClusterAddress

export type ClusterAddress = {
  kind: 'cluster'
  nodes: { host: string; port: number }[]
  tls: boolean
  username?: string
  password?: string
}

const defaultPort = 6379

/**
 * Reads `redis://`, `rediss://` or `unix:///path`. Several addresses, separated by commas, are a cluster, and so is one that ends
 * in `?cluster`: `redis://10.0.0.1:6379,redis://10.0.0.2:6379`. Undefined for anything else. A cluster has no databases to choose
 * from, and its addresses may not differ in user, password or protocol.
 */
export function parseRedisAddress(text: string): RedisAddress | undefined {
  const urls = text.split(',').map((part) => URL.parse(part.trim()))
  const [first] = urls
  if (!first || !urls.every(isAddress)) return undefined
  if (urls.length === 1 && !first.searchParams.has('cluster')) return { kind: 'server', url: text }
  const { protocol, username, password } = first
  if (
    !urls.every(
      (url) => isNode(url) && url.protocol === protocol && url.username === username && url.password === password,
    )
  )
    return undefined
  return {
    kind: 'cluster',
    nodes: urls.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port || defaultPort),
    })),
    tls: protocol === 'rediss:',
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  }
}

function isAddress(url: URL | null): url is URL {
  if (url?.protocol === 'unix:') return url.host === '' && url.pathname.length > 1
  return (url?.protocol === 'redis:' || url?.protocol === 'rediss:') && url.hostname !== ''
}

const isNode = (url: URL): boolean => url.protocol !== 'unix:' && url.pathname.length <= 1
