// Normalises text for a shell or an interpreter. Editors and browsers add byte order marks and carriage returns, which
// interpreters take as part of a command, and which are invisible.

/** The removed parts of a text. */
export const textChanges = ['bom', 'crlf'] as const;
export type TextChange = (typeof textChanges)[number];

const bom = '\ufeff';

/** The text without a BOM and with LF as its only line end. */
export const plainText = (text: string): string =>
  (text.startsWith(bom) ? text.slice(bom.length) : text).replace(/\r\n?/g, '\n');

/** A command line: as `plainText`, without line ends after it. */
export const plainLine = (text: string): string => plainText(text).replace(/\n+$/, '');

/** The parts that `plainText` removes. */
export const changesIn = (text: string): TextChange[] =>
  textChanges.filter((change) => (change === 'bom' ? text.startsWith(bom) : text.includes('\r')));
