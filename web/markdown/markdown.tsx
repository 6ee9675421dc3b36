import { marked, type Token, type Tokens } from 'marked'
import type { ComponentChildren, VNode } from 'preact'
import { memo } from './memo.ts'

/**
 * An answer as safe Markdown. Tokens become elements, never HTML: markup in an answer shows as text, an image as its description with its
 * address, so that nothing is loaded, and a link opens only http, https and mailto.
 */
export function Markdown({ text }: { text: string }) {
  return (
    <div class="markdown" dir="auto">
      {blocksOf(text.trimStart()).map((token, index) => (
        <Block key={index} raw={token.raw} token={token} />
      ))}
    </div>
  )
}

/** Longer texts show as they are: a parser's time may grow faster than the text. */
const maxParsedCharacters = 200_000
const blocksOf = (text: string): Token[] =>
  text.length > maxParsedCharacters ? [{ type: 'text', raw: text, text }] : marked.lexer(text)

/** A block is drawn anew only when its source changes: while an answer streams, that is the last one. */
const Block = memo<{ raw: string; token: Token }>(
  ({ token }) => blockOf(token),
  (before, after) => before.raw === after.raw && before.token.type === after.token.type,
)

function blockOf(token: Token): VNode | null {
  const { type } = token
  if (type === 'space' || type === 'def') return null
  if (type === 'hr') return <hr />
  if (type === 'heading') return <p class={`heading level-${(token as Tokens.Heading).depth}`}>{inlines(token)}</p>
  if (type === 'code') return <CodeBlock {...(token as Tokens.Code)} />
  if (type === 'blockquote') return <blockquote>{blocks((token as Tokens.Blockquote).tokens)}</blockquote>
  if (type === 'list') return <List list={token as Tokens.List} />
  if (type === 'table') return <Table table={token as Tokens.Table} />
  if (type === 'paragraph') return <p>{inlines(token)}</p>
  if (type === 'text') return <p class="flat">{inlines(token)}</p>
  return <p>{token.raw}</p>
}

const blocks = (tokens: readonly Token[]): ComponentChildren[] =>
  tokens.map((token, index) => <Block key={index} raw={token.raw} token={token} />)

function CodeBlock({ text, lang }: Tokens.Code) {
  return (
    <figure class="code">
      {lang ? <figcaption>{lang}</figcaption> : null}
      <pre tabIndex={0} role="region" aria-label={lang ? `code, ${lang}` : 'code'}>
        <code>{text}</code>
      </pre>
    </figure>
  )
}

function List({ list: { ordered, start, items } }: { list: Tokens.List }) {
  const entries = items.map((item, index) => (
    <li key={index}>
      {item.task ? <span aria-label={item.checked ? 'done' : 'open'}>{item.checked ? '☑ ' : '☐ '}</span> : null}
      {blocks(item.tokens.filter(({ type }) => type !== 'checkbox'))}
    </li>
  ))
  return ordered ? <ol start={start === '' ? 1 : start}>{entries}</ol> : <ul>{entries}</ul>
}

function Table({ table: { header, rows, align } }: { table: Tokens.Table }) {
  const classOf = (column: number): string => `to-${align[column] ?? 'left'}`
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label="table">
      <table>
        <thead>
          <tr>
            {header.map((cell, column) => (
              <th key={column} class={classOf(column)}>
                {inlinesOf(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} class={classOf(column)}>
                  {inlinesOf(cell.tokens)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const inlines = (token: Token): ComponentChildren =>
  'tokens' in token && token.tokens ? inlinesOf(token.tokens) : 'text' in token ? String(token.text) : token.raw

const inlinesOf = (tokens: readonly Token[]): ComponentChildren[] => tokens.map((token) => inlineOf(token))

function inlineOf(token: Token): ComponentChildren {
  switch (token.type) {
    case 'strong':
      return <strong>{inlines(token)}</strong>
    case 'em':
      return <em>{inlines(token)}</em>
    case 'del':
      return <del>{inlines(token)}</del>
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>
    case 'br':
      return <br />
    case 'link':
      return linkOf(token as Tokens.Link)
    case 'image':
      return (
        <span class="image">{`[image: ${(token as Tokens.Image).text || 'no description'}, ${(token as Tokens.Image).href}]`}</span>
      )
    case 'escape':
    case 'text':
      return inlines(token)
    default:
      return token.raw
  }
}

function linkOf(link: Tokens.Link): ComponentChildren {
  if (!/^(https?:\/\/|mailto:)/i.test(link.href)) return <span>{inlinesOf(link.tokens)}</span>
  return (
    <a href={link.href} target="_blank" rel="noopener noreferrer nofollow" title={link.href}>
      {inlinesOf(link.tokens)}
    </a>
  )
}
