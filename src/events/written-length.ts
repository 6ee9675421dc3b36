/** The length of a text in an event: its JSON form without the quotes, where a control character may take six characters. */
export const writtenLength = (text: string): number => JSON.stringify(text).length - 2
