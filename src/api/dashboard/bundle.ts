import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { build, stop, type OutputFile } from 'esbuild'

/** A file as browsers get it. `gzipped`: the same bytes for browsers that accept gzip. */
export type Asset = { type: string; body: Buffer; gzipped: Buffer; etag: string }

/** The dashboard: its page, and the files that the page names, by their names. A name changes with its contents. */
export type Dashboard = { page: Asset; assets: ReadonlyMap<string, Asset> }

const source = join(import.meta.dirname, '../../../web')
const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' }
const compress = promisify(gzip)

let bundled: Promise<Dashboard> | undefined

/**
 * Bundles the sources in `web/` in memory, once in a process. It takes a fifth of a second, so there is no build to forget, and what is
 * served always fits the server. Throws the errors of esbuild, with the place in the source.
 */
export const bundleDashboard = (): Promise<Dashboard> => (bundled ??= bundle())

async function bundle(): Promise<Dashboard> {
  const { outputFiles } = await build({
    entryPoints: [join(source, 'main.tsx')],
    bundle: true,
    minify: true,
    format: 'esm',
    // What a page imports when it needs it is a file of its own.
    splitting: true,
    target: 'es2024',
    outdir: '/',
    entryNames: '[name]-[hash]',
    chunkNames: 'part-[hash]',
    write: false,
    legalComments: 'none',
    logLevel: 'silent',
  })
  // The service of esbuild is a process of its own, and of no use from here on.
  await stop()
  const assets = new Map<string, Asset>()
  for (const { path, contents } of outputFiles)
    assets.set(path.slice(1), await assetOf(contents, types[endingOf(path)]))
  const named = (ending: keyof typeof types): string => nameOf(outputFiles, ending)
  return { page: await assetOf(Buffer.from(pageWith(named)), 'text/html; charset=utf-8'), assets }
}

async function assetOf(contents: Uint8Array, type: string): Promise<Asset> {
  const body = Buffer.from(contents)
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  return { type, body, gzipped: await compress(body, { level: 9 }), etag }
}

const endingOf = (path: string): keyof typeof types => (path.endsWith('.css') ? 'css' : 'js')

function nameOf(files: readonly OutputFile[], ending: keyof typeof types): string {
  const found = files.find(({ path }) => path.startsWith('/main-') && endingOf(path) === ending)
  if (!found) throw new Error(`the bundle has no ${ending} file`)
  return found.path.slice(1)
}

const pageWith = (named: (ending: keyof typeof types) => string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Council</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/${named('css')}">
<script type="module" src="/assets/${named('js')}"></script>
</head>
<body>
<div id="app"></div>
<noscript>The dashboard needs JavaScript. The command line does everything that it does: bin/council --help</noscript>
</body>
</html>
`
