const valueLimit = 200;
const detailLimit = 4_000;
// Control characters, and those that reorder or break a line of text.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** User text for a sentence of the audit log: control characters escaped, at most 200 characters; without quotes. */
export function quote(text: string): string {
  const characters = [...text.toWellFormed()];
  const kept =
    characters.length > valueLimit ? `${characters.slice(0, valueLimit - 1).join('')}…` : characters.join('');
  return kept.replace(unsafe, escape);
}

function escape(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A whole sentence, cut to what a record holds. */
export function cutDetail(text: string): string {
  const safe = text.toWellFormed().replace(unsafe, escape);
  return safe.length > detailLimit ? `${safe.slice(0, detailLimit - 1).toWellFormed()}…` : safe;
}
