// The disposable process that renders. It has no environment, may read its own code and nothing else, and is ended from
// outside when it takes too long. After an error of the engine itself (a trap) it ends: the next item gets a new one.
import { readFileSync, writeSync } from 'node:fs';
import { Environment } from 'minijinja-js';
import { guardNames, unknownFunction } from './names.ts';
import type { Name } from './names.ts';
import { limits } from './protocol.ts';
import type { RenderItem, Rendered, Reply, TemplateError, Work } from './protocol.ts';

const templateName = 'script';
const place = / \(in script:(\d+)\)$/;

function reply(message: Reply): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length; at += writeSync(1, bytes, at));
}

/** The first line says what and where; the rest (source and values) is for nobody. */
function errorOf(error: unknown): TemplateError {
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  const line = place.exec(first)?.[1];
  return { message: first.replace(place, ''), line: line ? Number(line) : null, name: null };
}

/** A trap: the engine is then in no state to go on. */
function isTrap(error: unknown): boolean {
  return error instanceof Error && error.name === 'RuntimeError';
}

function unknown({ name, line }: Name): TemplateError {
  return { message: `the name ${name} is not known`, line, name };
}

function create(seen: (at: number) => void): Environment {
  const environment = new Environment();
  environment.undefinedBehavior = 'strict';
  environment.keepTrailingNewline = true;
  environment.fuel = limits.fuel;
  environment.removeGlobal('debug');
  // A function that throws would end the engine: it notes the name, and the first one noted is the error.
  environment.addGlobal(unknownFunction, (at: number) => seen(at));
  return environment;
}

function compile(environment: Environment, template: string): string | TemplateError {
  try {
    environment.addTemplate(templateName, template);
  } catch (error) {
    if (isTrap(error)) throw error;
    return errorOf(error);
  }
  const guarded = guardNames(template).template;
  try {
    environment.addTemplate(templateName, guarded);
    return guarded;
  } catch (error) {
    return { ...errorOf(error), message: 'a construction that is not supported' };
  }
}

function render({ template, context }: RenderItem, mode: Work['mode']): Rendered {
  const { names } = guardNames(template);
  let missing: Name | undefined;
  const environment = create((at) => (missing ??= names[at]));
  const compiled = compile(environment, template);
  if (typeof compiled !== 'string') return { error: compiled };
  if (mode === 'syntax') return { text: '' };
  try {
    const text = environment.renderNamedStr(templateName, compiled, context);
    if (missing) return { error: unknown(missing) };
    if (Buffer.byteLength(text) <= limits.outputBytes) return { text };
    return { error: { message: `the result is longer than ${limits.outputBytes} bytes`, line: null, name: null } };
  } catch (error) {
    if (isTrap(error)) throw error;
    return { error: missing ? unknown(missing) : errorOf(error) };
  }
}

const { mode, items } = JSON.parse(readFileSync(0, 'utf8')) as Work;
reply({ ready: true });
for (const item of items) {
  try {
    reply(render(item, mode));
  } catch {
    reply({ error: { message: 'the template needs too much memory or nests too deeply', line: null, name: null } });
    process.exit(0);
  }
}
