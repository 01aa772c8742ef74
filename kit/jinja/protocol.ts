import type { QuotedLanguage } from './library/quote.ts';

/** Why a template was not rendered. Nothing of the context is in it. */
export interface TemplateError {
  message: string;
  /** From 1; null where there is no telling. */
  line: number | null;
  /** The unknown name as written (`host.nmae`), if that is what is wrong. */
  name: string | null;
}

export interface RenderItem {
  template: string;
  /** What JSON can say; anything else in it does not arrive. */
  context: object;
  /** What the text will be: the filter `quote` quotes for it. */
  language: QuotedLanguage;
  /** The names (`task.description`) that hold what people write freely. */
  free: readonly string[];
}

export type Rendered = { text: string } | { error: TemplateError };

/** What the child reads; a syntax check renders nothing. Templates stand once, however many items have them. */
export interface RenderWork {
  mode: 'render' | 'syntax';
  templates: string[];
  items: WorkItem[];
}

/** `template` is a place in the list of templates. */
export type WorkItem = Omit<RenderItem, 'template'> & { template: number };

/** A line that the child writes: first `ready`, then a result per item in order. */
export type RenderReply = { ready: true } | Rendered;

export const limits = {
  /** Bytes of a rendered text. */
  outputBytes: 256 * 1024,
  /** Steps of the engine per template: far more than a script of 64 KiB needs, a few tenths of a second. */
  fuel: 500_000,
  /** Characters of a text inside the engine. */
  textLength: 1024 * 1024,
  /** Macros, loops and lists within each other. */
  depth: 200,
  /** JavaScript heap of the child. */
  heapMib: 128,
  /** For one template, of the processor where that can be told. */
  itemMs: 1000,
  /** For one template by the clock, on a busy machine. */
  busyItemMs: 10_000,
  /** For the child to begin, on a busy machine. */
  startMs: 20_000,
} as const;
