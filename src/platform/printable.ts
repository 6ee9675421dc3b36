/**
 * Text from elsewhere (a model, a server, the log, a file name, the command line), safe to show on a terminal: control characters
 * (C0 except line ends and tabs, DEL, C1), characters that reorder or break a line, and surrogates without a partner are shown as
 * `\uXXXX`. Inside a JSON text that is the same string, escaped.
 */
export const printable = (text: string): string => text.replace(unprintable, escaped)

/** The same for text that must stay on one line: line ends are escaped too. */
export const printableLine = (text: string): string => printable(text).replaceAll('\n', '\\u000a')

const escaped = (found: string): string => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`

// With the flag `u`, \p{Cs} matches a surrogate only where it is not part of a pair.
const unprintable = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\p{Cs}]/gu
