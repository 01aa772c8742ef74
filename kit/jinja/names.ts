// Makes unknown names fail everywhere. The engine's strict mode refuses an unknown name when it is printed, and takes it as
// empty in `name|upper`, `name ~ "/x"`, `name == 1` and others: fatal in a script. So each name `a.b` becomes
// `(a.b if a is defined and a.b is defined else unknown(n))`, unless it is asked whether it is defined. By rewriting,
// not by a look at the context, because only the branch that is taken counts.
import { tagsOf } from './scan.ts';
import type { Tag, Token } from './scan.ts';

/** What the engine calls for an unknown name, with its place in `names`. */
export const unknownFunction = '__slipway_unknown';

export interface Name {
  name: string;
  line: number;
}

const words = new Set('true false none True False None not and or in is if else elif recursive'.split(' '));
const withExpressions = new Set(['if', 'elif', 'for', 'set', 'with', 'do']);

/** Where the expressions of a tag begin: after its keyword, and after the names that it gives values to. */
function startOf({ kind, tokens }: Tag): number {
  if (kind === 'expression') return 0;
  const keyword = tokens[0]?.text ?? '';
  if (!withExpressions.has(keyword)) return tokens.length;
  const sign = keyword === 'for' ? 'in' : keyword === 'set' ? '=' : null;
  if (sign === null) return 1;
  const at = tokens.findIndex((token) => token.text === sign);
  return at < 0 ? tokens.length : at + 1;
}

/** The end (exclusive) of the chain `a.b["c"][0]` that begins at `start`. */
function chainEnd(tokens: Token[], start: number): number {
  let at = start + 1;
  for (;;) {
    const [sign, part, close] = [tokens[at], tokens[at + 1], tokens[at + 2]];
    if (sign?.text === '.' && part?.kind === 'name') at += 2;
    else if (sign?.text === '[' && (part?.kind === 'string' || part?.kind === 'number') && close?.text === ']') at += 3;
    else return at;
  }
}

function isReference(tokens: Token[], at: number): boolean {
  const [token, before, after] = [tokens[at], tokens[at - 1]?.text ?? '', tokens[at + 1]?.text];
  if (token?.kind !== 'name' || words.has(token.text) || after === '=') return false;
  const isTest = before === 'is' || (before === 'not' && tokens[at - 2]?.text === 'is');
  return before !== '.' && before !== '|' && !isTest;
}

/** Whether what follows a chain deals with its absence, or is a call, which fails by itself. */
function isSafe(tokens: Token[], end: number): boolean {
  const [first, second, third] = [tokens[end]?.text, tokens[end + 1]?.text ?? '', tokens[end + 2]?.text];
  if (first === '(') return true;
  if (first === '|') return second === 'default' || second === 'd';
  const test = second === 'not' ? third : second;
  return first === 'is' && (test === 'defined' || test === 'undefined');
}

function guard(template: string, chain: Token[], place: number): string {
  const parts = chain.map((token) => token.text);
  const ends = parts.flatMap((text, at) => (text !== '.' && text !== '[' && parts[at + 1] !== ']' ? [at + 1] : []));
  const checks = ends.map((end) => `${parts.slice(0, end).join('')} is defined`);
  const source = template.slice(chain[0]?.start, chain.at(-1)?.end);
  return `(${source} if ${checks.join(' and ')} else ${unknownFunction}(${place}))`;
}

/** The template with every name guarded, and the names in the order of their places. */
export function guardNames(template: string): { template: string; names: Name[] } {
  const names: Name[] = [];
  let guarded = '';
  let copied = 0;
  for (const tag of tagsOf(template)) {
    const { tokens } = tag;
    for (let at = startOf(tag); at < tokens.length; at += 1) {
      const first = tokens[at];
      if (!first || !isReference(tokens, at)) continue;
      const end = chainEnd(tokens, at);
      const chain = tokens.slice(at, end);
      at = end - 1;
      if (isSafe(tokens, end)) continue;
      guarded += template.slice(copied, first.start) + guard(template, chain, names.length);
      copied = chain.at(-1)?.end ?? first.end;
      const line = template.slice(0, first.start).split('\n').length;
      names.push({ name: chain.map((token) => token.text).join(''), line });
    }
  }
  return { template: guarded + template.slice(copied), names };
}
