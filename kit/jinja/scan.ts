// Finds the tags of a template and the tokens in them, as far as `names.ts` needs it. It takes a template that the engine
// has taken already, so it need not refuse anything.

export interface Token {
  kind: 'name' | 'string' | 'number' | 'sign';
  text: string;
  start: number;
  end: number;
}

export interface Tag {
  kind: 'expression' | 'statement';
  tokens: Token[];
}

const lexeme =
  /(?<space>\s+)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<string>"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*')|(?<number>\d[\d_.]*(?:[eE][+-]?\d+)?)|(?<sign>==|!=|<=|>=|\/\/|\*\*|[^])/uy;
const endOfRaw = /\{%[-+]?\s*endraw\s*[-+]?%\}/g;
const closing = { expression: /[-+]?\}\}/y, statement: /[-+]?%\}/y } as const;

function isAt(pattern: RegExp, template: string, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(template);
}

function nextToken(template: string, at: number): Token | null {
  lexeme.lastIndex = at;
  const groups = lexeme.exec(template)?.groups ?? {};
  const end = lexeme.lastIndex;
  for (const kind of ['name', 'string', 'number', 'sign'] as const) {
    const text = groups[kind];
    if (text !== undefined) return { kind, text, start: at, end };
  }
  return null;
}

/** The tokens of the tag whose inside begins at `from`, and where its inside ends. */
function readTag(template: string, from: number, kind: Tag['kind']): { tokens: Token[]; end: number } {
  const tokens: Token[] = [];
  let depth = 0;
  let at = from;
  while (at < template.length && !(depth === 0 && isAt(closing[kind], template, at))) {
    const token = nextToken(template, at);
    at = lexeme.lastIndex > at ? lexeme.lastIndex : at + 1;
    if (!token) continue;
    if ('([{'.includes(token.text)) depth += 1;
    if (')]}'.includes(token.text)) depth = Math.max(0, depth - 1);
    tokens.push(token);
  }
  return { tokens, end: at };
}

function skipTo(pattern: RegExp, template: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(template) ? pattern.lastIndex : template.length;
}

/** Every expression and statement of the template in order; comments and raw parts left out. */
export function* tagsOf(template: string): Generator<Tag, void> {
  const opening = /\{\{|\{%|\{#/g;
  for (let open = opening.exec(template); open; open = opening.exec(template)) {
    if (open[0] === '{#') {
      opening.lastIndex = skipTo(/#\}/g, template, opening.lastIndex);
      continue;
    }
    const kind = open[0] === '{{' ? 'expression' : 'statement';
    const from = opening.lastIndex + (/[-+]/.test(template[opening.lastIndex] ?? '') ? 1 : 0);
    const { tokens, end } = readTag(template, from, kind);
    opening.lastIndex = Math.min(end + 2, template.length);
    if (kind === 'statement' && tokens[0]?.text === 'raw') opening.lastIndex = skipTo(endOfRaw, template, end);
    else yield { kind, tokens };
  }
}
