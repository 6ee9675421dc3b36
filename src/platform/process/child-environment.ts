/**
 * The environment variables that a child process may get. An allow-list, because a deny-list would miss the next secret setting: every
 * process of the same user can read a child's environment, and crash reports include it.
 */
const allowed = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TZ', 'LANG', 'LANGUAGE', 'TMPDIR', 'TMP', 'TEMP'],
  // The locations of this machine's libraries and certificates.
  ...[
    'LD_LIBRARY_PATH',
    'DYLD_LIBRARY_PATH',
    'DYLD_FALLBACK_LIBRARY_PATH',
    'SSL_CERT_FILE',
    'SSL_CERT_DIR',
    'NODE_EXTRA_CA_CERTS',
    'XDG_CACHE_HOME',
  ],
  ...['NODE_COMPILE_CACHE', 'NO_COLOR'],
])

/** Installers download packages through the machine's proxy and from its mirrors. */
const allowedForInstallers = /^((https?|no|all|ftp)_proxy|PIP_.*|XDG_CONFIG_HOME|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/i

/** The environment of a child: the allowed variables of this process, and `more`. */
export function childEnvironment(
  more: Readonly<Record<string, string>> = {},
  { installs = false, from = process.env }: { installs?: boolean; from?: NodeJS.ProcessEnv } = {},
): Record<string, string> {
  const isAllowed = (name: string): boolean =>
    allowed.has(name) || name.startsWith('LC_') || (installs && allowedForInstallers.test(name))
  const kept = Object.entries(from).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && isAllowed(entry[0]),
  )
  return { ...Object.fromEntries(kept), ...more }
}
