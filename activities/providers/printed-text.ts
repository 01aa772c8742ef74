// What a program or a host prints where another answer is expected, as a person may read it: one line of plain text, cut,
// without credentials in addresses, and nothing from the mark of a request on, which would be the request sent back.
import { withoutCredentials } from '../../kit/redact.ts';

const mostCharacters = 300;
const mark = /\b[0-9a-f]{32}\b[^]*/;
const escapeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -~])/g;
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\s]+/gu;

/** The texts in quotation marks, each once; empty when nothing is printed. */
export function printedText(...texts: readonly string[]): string {
  const plain = texts.map((text) =>
    withoutCredentials(text.replace(mark, '').replace(escapeSequence, ' ').replace(unprintable, ' ').trim()),
  );
  return [...new Set(plain)]
    .filter((text) => text !== '')
    .map((text) => `"${text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text}"`)
    .join(', ');
}
