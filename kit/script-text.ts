// Text for a shell or an interpreter, as editors and browsers make it. A byte order mark before the first line, or a
// carriage return at the end of one, is part of a command to every interpreter and visible to nobody.

/** What was taken out of a text. */
export const textChanges = ['bom', 'crlf'] as const;
export type TextChange = (typeof textChanges)[number];

const bom = '\ufeff';

/** The text without a BOM and with LF as its only line end. */
export const plainText = (text: string): string =>
  (text.startsWith(bom) ? text.slice(bom.length) : text).replace(/\r\n?/g, '\n');

/** A command line: as `plainText`, without line ends after it. */
export const plainLine = (text: string): string => plainText(text).replace(/\n+$/, '');

/** What `plainText` takes out of a text. */
export const changesIn = (text: string): TextChange[] =>
  textChanges.filter((change) => (change === 'bom' ? text.startsWith(bom) : text.includes('\r')));
