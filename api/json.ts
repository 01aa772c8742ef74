// JSON.parse keeps the last of two equal keys, so a check and the code behind it may see different values when something
// in between reads the first. Such a body is refused; so are NUL characters, which PostgreSQL's text cannot hold.
import { invalidField } from '../workflows/problem.ts';

const nul = '\u0000';
const maximumDepth = 64;
const keysOfObject = 1_000;
const keysOfBody = 50_000;

/** Parses a body; throws `invalid` for anything but one JSON value without repeated keys. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidField('', 'is not valid JSON');
  }
  checkTokens(text);
  return value;
}

// The text is valid JSON here, so strings and brackets are all that need be looked at.
function checkTokens(text: string): void {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;
  const open: (Set<string> | null)[] = [];
  let keyNext = false;
  let keyCount = 0;
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{' || token === '[') {
      if (open.push(token === '{' ? new Set() : null) > maximumDepth) throw invalidField('', 'is nested too deeply');
      keyNext = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
      keyNext = false;
    } else if (token === ',') keyNext = open.at(-1) instanceof Set;
    else {
      checkString(token, keyNext ? open.at(-1) : undefined);
      if (keyNext && ++keyCount > keysOfBody) throw invalidField('', 'has too many fields');
      keyNext = false;
    }
  }
}

function checkString(token: string, keys: Set<string> | null | undefined): void {
  const string = JSON.parse(token) as string;
  if (string.includes(nul) || !string.isWellFormed()) throw invalidField('', 'holds text that cannot be stored');
  if (!keys) return;
  if (keys.has(string)) throw invalidField(string, 'is there twice');
  if (keys.size >= keysOfObject) throw invalidField('', 'has too many fields');
  keys.add(string);
}
