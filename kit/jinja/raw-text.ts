// Finds free text that a template puts out raw, by following it through expressions and names. That is for the one who saves
// a script; what goes ways that this does not follow (macros, maps) is marked and refused when it is rendered.
import { RenderError } from './render-error.ts';
import type { QuotedLanguage } from './library/quote.ts';
import type { Expression, Statement } from './syntax/nodes.ts';
import { innerOf, namesIn, partsOf } from './syntax/walk.ts';

/** What gives a number or a truth, whatever goes in. */
const harmless = new Set(
  'length count int float abs round wordcount bool startswith endswith find index isalnum isalpha isdigit isspace'.split(
    ' ',
  ),
);

export const rawTextError = (origin: string, language: QuotedLanguage, line: number | null): RenderError => {
  const instead = [`{{ ${origin}|quote }}`, ...(language === 'python' ? [`{{ ${origin}|tojson }}`] : [])].join(' or ');
  return new RenderError(`${origin} is free text and may stand in a script only quoted: write ${instead}`, line);
};

const pathOf = (node: Expression): string | null => {
  if (node.kind === 'name') return node.name;
  const of = node.kind === 'attribute' || node.kind === 'item' ? pathOf(node.of) : null;
  if (of === null) return null;
  if (node.kind === 'attribute') return `${of}.${node.name}`;
  return node.kind === 'item' && node.key.kind === 'constant' ? `${of}.${String(node.key.value)}` : null;
};

class Tracker {
  readonly #free: ReadonlySet<string>;
  readonly #language: QuotedLanguage;
  /** Names of the template that hold free text, and which. */
  readonly #names = new Map<string, string>();

  constructor(free: readonly string[], language: QuotedLanguage) {
    this.#free = new Set(free);
    this.#language = language;
  }

  /** The first free text that gets out of a body. */
  body(body: Statement[]): { origin: string; line: number } | null {
    return body.map((statement) => this.#statement(statement)).find((one) => one !== null) ?? null;
  }

  #statement(node: Statement): { origin: string; line: number } | null {
    switch (node.kind) {
      case 'output': {
        const origin = this.#origin(node.value);
        return origin === null ? null : { origin, line: node.value.line };
      }
      case 'set':
        this.#name(namesIn(node.target), this.#origin(node.value));
        return null;
      case 'capture':
        this.#name(namesIn(node.target), this.body(node.body)?.origin ?? null);
        return null;
      case 'for':
        this.#name(namesIn(node.loop.target), this.#origin(node.loop.over));
        break;
      case 'with':
        for (const [target, value] of node.values) this.#name(namesIn(target), this.#origin(value));
        break;
      case 'macro':
      case 'filterBlock':
      case 'callBlock':
        return null;
      default:
        break;
    }
    return (
      innerOf(node)
        .map((inner) => this.body(inner))
        .find((one) => one !== null) ?? null
    );
  }

  #name(names: string[], origin: string | null): void {
    for (const name of names) {
      if (origin === null) this.#names.delete(name);
      else this.#names.set(name, origin);
    }
  }

  #origin(node: Expression): string | null {
    const path = pathOf(node);
    if (path !== null && this.#free.has(path)) return path;
    switch (node.kind) {
      case 'name':
        return this.#names.get(node.name) ?? null;
      case 'filter':
        if (node.name === 'quote' || (node.name === 'tojson' && this.#language === 'python')) return null;
        return harmless.has(node.name) ? null : this.#first(partsOf(node));
      case 'call':
        if (node.of.kind !== 'attribute' || harmless.has(node.of.name)) return null;
        return this.#first([node.of.of, ...partsOf(node).slice(1)]);
      case 'test':
      case 'compare':
      case 'unary':
      case 'constant':
        return null;
      case 'either':
        return this.#first([node.then, ...(node.otherwise ? [node.otherwise] : [])]);
      case 'item':
      case 'slice':
        return this.#origin(node.of);
      default:
        return this.#first(partsOf(node));
    }
  }

  #first(nodes: Expression[]): string | null {
    return nodes.map((node) => this.#origin(node)).find((one) => one !== null) ?? null;
  }
}

/** The mistake of a template that puts free text out raw; null: none is seen. */
export function rawText(body: Statement[], free: readonly string[], language: QuotedLanguage): RenderError | null {
  const found = new Tracker(free, language).body(body);
  return found && rawTextError(found.origin, language, found.line);
}
