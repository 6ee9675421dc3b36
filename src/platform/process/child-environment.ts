/**
 * What a child process of the council may know. A list of what is allowed, because a list of what is secret would miss the next
 * setting: a child's environment can be read by every process of its user, and ends in its crash reports.
 */
const allowed = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TZ', 'LANG', 'LANGUAGE', 'TMPDIR', 'TMP', 'TEMP'],
  // Where this machine keeps its libraries and certificates.
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

/** Installers fetch what they install, through the machine's proxy and from its mirrors. */
const allowedForInstallers = /^((https?|no|all|ftp)_proxy|PIP_.*|XDG_CONFIG_HOME|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)$/i

/** The environment of a child: what is on the list, and what `more` adds. */
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
