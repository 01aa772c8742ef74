// JSON.parse keeps the last of two equal keys, while an intermediary may read the first, so a check and the code behind it
// could see different values. Bodies with repeated keys are rejected, as are NUL characters and lone surrogates, which
// PostgreSQL cannot store. Errors name the location, as for fields elsewhere.
import { storableText } from '../../db/core/jsonb.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { msg } from '../../kit/messages/message.ts';

const maximumDepth = 64;
const keysOfObject = 1_000;
const keysOfBody = 50_000;

/** Parses a body; throws `invalid` unless it is one JSON value without repeated keys. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidField('', msg('is_not_valid_json'));
  }
  checkTokens(text);
  return value;
}

/** An open object or list and the position in it: `at` is the key or index of the next value. */
interface Open {
  keys: Set<string> | null;
  at: string | number;
}

const fieldOf = (open: readonly Open[]): string => open.map(({ at }) => at).join('.');

// The text is valid JSON here, so it suffices to scan strings and brackets.
function checkTokens(text: string): void {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;
  const open: Open[] = [];
  let keyNext = false;
  let keyCount = 0;
  for (const [token] of text.matchAll(tokens)) {
    const inner = open.at(-1);
    if (token === '{' || token === '[') {
      if (open.length >= maximumDepth) throw invalidField(fieldOf(open), msg('is_nested_too_deeply'));
      open.push(token === '{' ? { keys: new Set(), at: '' } : { keys: null, at: 0 });
      keyNext = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
      keyNext = false;
    } else if (token === ',') {
      keyNext = inner?.keys != null;
      if (typeof inner?.at === 'number') inner.at += 1;
    } else {
      checkString(JSON.parse(token) as string, open, keyNext);
      if (keyNext && ++keyCount > keysOfBody) throw invalidField('', msg('has_too_many_fields'));
      keyNext = false;
    }
  }
}

function checkString(string: string, open: readonly Open[], isKey: boolean): void {
  const stored = storableText(string);
  const inner = open.at(-1);
  if (isKey && inner) inner.at = stored;
  if (stored !== string) throw invalidField(fieldOf(open), msg('holds_unstorable_text'));
  if (!isKey || !inner?.keys) return;
  if (inner.keys.has(string)) throw invalidField(fieldOf(open), msg('is_there_twice'));
  if (inner.keys.size >= keysOfObject) throw invalidField(fieldOf(open.slice(0, -1)), msg('has_too_many_fields'));
  inner.keys.add(string);
}
