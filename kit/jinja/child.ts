// The disposable process that renders. It has no environment, may read its own code and nothing else, and is ended from
// outside when it takes too long.
import { readFileSync, writeSync } from 'node:fs';
import { check } from './check.ts';
import { contextOf } from './context.ts';
import { place, refuel } from './meter.ts';
import { limits } from './protocol.ts';
import type { RenderItem, Rendered, RenderReply, TemplateError, RenderWork } from './protocol.ts';
import { rawTextError } from './raw-text.ts';
import { RenderError } from './render-error.ts';
import { Executor } from './run/execute.ts';
import { parse } from './syntax/template.ts';
import { isMarked, textOf } from './values/value.ts';

/** One line each: to the reader U+2028 and U+2029 end one too, and JSON leaves them as they are. */
function reply(message: RenderReply): void {
  const line = JSON.stringify(message).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  const bytes = Buffer.from(`${line}\n`);
  for (let at = 0; at < bytes.length; at += writeSync(1, bytes, at));
}

function render({ template, context, language, free }: RenderItem): Rendered {
  const settings = { language };
  const text = new Executor(settings).render(parse(template), contextOf(context, free), (piece) => {
    if (isMarked(piece) && piece.mark.kind === 'free') throw rawTextError(piece.mark.origin, language, null);
  });
  const plain = textOf(text) ?? '';
  if (Buffer.byteLength(plain) <= limits.outputBytes) return { text: plain };
  return { error: { message: `the result is longer than ${limits.outputBytes} bytes`, line: null, name: null } };
}

function checked({ template, language, free }: RenderItem): Rendered {
  check(parse(template), { language }, free);
  return { text: '' };
}

/** An error of the engine itself is one of too much of something: the stack ends, or a text cannot be made. */
function errorOf(error: unknown): TemplateError {
  if (error instanceof RenderError) {
    return { message: error.message, line: error.line ?? place.line, name: error.written };
  }
  return { message: 'the template needs too much memory or nests too deeply', line: null, name: null };
}

const { mode, templates, items } = JSON.parse(readFileSync(0, 'utf8')) as RenderWork;
reply({ ready: true });
for (const { template, ...rest } of items) {
  try {
    const item = { ...rest, template: templates[template] ?? '' };
    refuel();
    reply(mode === 'render' ? render(item) : checked(item));
  } catch (error) {
    reply({ error: errorOf(error) });
  }
}
