import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

const style = `
:root { color-scheme: light dark; --ink: light-dark(#1d2433, #e8ecf4); --soft: light-dark(#5b6478, #9aa5bb); --line: light-dark(#d5dae4, #333c4f); --card: light-dark(#fff, #181e2a); --page: light-dark(#f3f5f9, #0f131b); --accent: light-dark(#2f5bd7, #8fb0ff); --on-accent: light-dark(#fff, #0f131b); --wrong: light-dark(#a8221c, #ff9d96) }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 1rem }
h1 { margin: 0 0 .25rem; font-size: 1.25rem }
p { margin: 0 0 1.25rem; color: var(--soft) }
p[role=alert] { color: var(--wrong) }
label { display: block; margin-bottom: .35rem; font-weight: 600 }
input { width: 100%; padding: .65rem .75rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--soft); border-radius: .5rem }
button { width: 100%; margin-top: 1rem; padding: .7rem; font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent); border: 0; border-radius: .5rem; cursor: pointer }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
`
const styleHash = createHash('sha256').update(style).digest('base64')

const headers = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  // A form needs its Origin, which a page without a referrer does not send.
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store',
}

/** The page to sign in on, which leads on to the path `to`. It needs no script. `problem` says why the last try failed. */
export const signInPage = (reply: FastifyReply, status: number, to: string, problem?: string): FastifyReply =>
  reply
    .code(status)
    .headers(headers)
    .type('text/html; charset=utf-8')
    .send(
      `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Hybrid AI Council</title>
<style>${style}</style>
<main>
<h1>Hybrid AI Council</h1>
${problem === undefined ? '<p>Sign in with an access token.</p>' : `<p role="alert">${escaped(problem)}</p>`}
<form method="post" action="/login">
<input type="hidden" name="to" value="${escaped(to)}">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="off" spellcheck="false" maxlength="1024">
<button>Sign in</button>
</form>
</main>
</html>
`,
    )

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
