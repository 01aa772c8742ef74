// Sanitises unexpected output of a program or host for display: one shortened line of plain text, without credentials in
// addresses, and cut at the mark of a request, which would be the request echoed back.
import { withoutCredentials } from '../../kit/redact.ts';

const mostCharacters = 300;
const mark = /\b[0-9a-f]{32}\b[^]*/;
const escapeSequence = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -~])/g;
const unprintable = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\s]+/gu;

/** The distinct texts in quotation marks; empty when there is no output. */
export function printedText(...texts: readonly string[]): string {
  const plain = texts.map((text) =>
    withoutCredentials(text.replace(mark, '').replace(escapeSequence, ' ').replace(unprintable, ' ').trim()),
  );
  return [...new Set(plain)]
    .filter((text) => text !== '')
    .map((text) => `"${text.length > mostCharacters ? `${text.slice(0, mostCharacters)}…` : text}"`)
    .join(', ');
}
