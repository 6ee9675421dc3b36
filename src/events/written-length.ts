/** How long a text is in an event: as JSON writes it, without the quotes. A control character may take six characters there. */
export const writtenLength = (text: string): number => JSON.stringify(text).length - 2
