// Templates come from users and are rendered apart: in a process that lives for one batch, with bounded memory and time,
// no environment, no access to files. An item that ends its process is an error, and the rest go on in a new one.
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { createPlaces } from '../places.ts';
import { procStat } from '../process-identity.ts';
import { rendererProgram } from './program.ts';
import { limits } from './protocol.ts';
import type { RenderItem, Rendered, RenderReply, TemplateError, RenderWork, WorkItem } from './protocol.ts';

export type { RenderItem, Rendered, TemplateError } from './protocol.ts';

const root = join(import.meta.dirname, '..', '..');
const maximumDeaths = 5;

const options = [
  `--max-old-space-size=${limits.heapMib}`,
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--no-warnings',
  '--permission',
  `--allow-fs-read=${join(root, 'package.json')}`,
];

function failure(message: string): Rendered {
  return { error: { message, line: null, name: null } };
}

interface Batch {
  mode: RenderWork['mode'];
  items: readonly RenderItem[];
}

function packed({ mode, items }: Batch): RenderWork {
  const places = new Map<string, number>();
  const packedItems = items.map(({ template, ...item }): WorkItem => {
    const place = places.get(template) ?? places.size;
    places.set(template, place);
    return { ...item, template: place };
  });
  return { mode, templates: [...places.keys()], items: packedItems };
}

/** Counts what is rendered, a text that comes again once; the same text is kept once in memory too. */
class Budget {
  readonly #texts = new Map<string, Rendered>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get isSpent(): boolean {
    return this.#bytes > this.#mostBytes;
  }

  take(result: Rendered): Rendered {
    if ('error' in result) return result;
    const known = this.#texts.get(result.text);
    if (known) return known;
    this.#texts.set(result.text, result);
    this.#bytes += Buffer.byteLength(result.text);
    return result;
  }
}

async function begin(batch: Batch): Promise<ChildProcessByStdio<Writable, Readable, null>> {
  const { folder, entry } = await rendererProgram();
  const child = spawn(process.execPath, [...options, `--allow-fs-read=${folder}`, entry], {
    env: {},
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(packed(batch)));
  return child;
}

const msPerTick = 10;

/** Processor time that a process has used; where nobody can tell, so much that the clock alone counts. */
function cpuMs(pid: number | undefined): number {
  const fields = procStat(pid ?? 0);
  return fields ? (Number(fields[11]) + Number(fields[12])) * msPerTick : Infinity;
}

/** Runs one child over the items: its results as far as it came, and why it came no further. */
async function runOnce(
  work: Batch,
  budget: Budget,
): Promise<{ results: Rendered[]; isReady: boolean; isLate: boolean }> {
  const child = await begin(work);
  const ended = new Promise<void>((done) => child.once('close', done).once('error', () => done()));
  const results: Rendered[] = [];
  let [isReady, isLate] = [false, false];
  const stop = (): void => {
    isLate = true;
    child.kill('SIGKILL');
  };
  let [begun, used] = [0, 0];
  // On a busy machine a second passes in which the child hardly had the processor: that is not the template's fault.
  const stopIfSlow = (): void => {
    const now = cpuMs(child.pid);
    const isSlow = now === Infinity || now - used >= limits.itemMs || Date.now() - begun >= limits.busyItemMs;
    if (isSlow) stop();
    else timer = setTimeout(stopIfSlow, limits.itemMs / 5);
  };
  let timer = setTimeout(stop, limits.startMs);
  for await (const line of createInterface({ input: child.stdout })) {
    const reply = JSON.parse(line) as RenderReply;
    if ('ready' in reply) isReady = true;
    else results.push(budget.take(reply));
    if (budget.isSpent) {
      child.kill('SIGKILL');
      break;
    }
    clearTimeout(timer);
    begun = Date.now();
    used = results.length < work.items.length ? cpuMs(child.pid) : 0;
    timer = setTimeout(stopIfSlow, limits.itemMs);
  }
  await ended;
  clearTimeout(timer);
  return { results, isReady, isLate };
}

/** More at once would take the processor from the requests of this process. */
const renderers = createPlaces(2);

const runAll = (work: Batch, mostBytes = Infinity): Promise<Rendered[]> =>
  renderers(() => runEach(work, new Budget(mostBytes)));

async function runEach({ mode, items }: Batch, budget: Budget): Promise<Rendered[]> {
  const results: Rendered[] = [];
  for (let deaths = 0; results.length < items.length; deaths += 1) {
    const run = await runOnce({ mode, items: items.slice(results.length) }, budget);
    results.push(...run.results);
    if (results.length >= items.length || budget.isSpent) break;
    // Not the item's fault: the caller may try again, and must not take it for a broken template.
    if (!run.isReady) throw new Error('the renderer of templates could not be started');
    if (run.isLate) results.push(failure(`the template takes longer than ${limits.itemMs} ms`));
    else if (run.results.length === 0) results.push(failure('the template ended its renderer'));
    if (deaths >= maximumDeaths) {
      while (results.length < items.length) results.push(failure('not rendered: too many others failed'));
    }
  }
  return results;
}

/**
 * Renders every item, results in the order of the items; one item's error does not touch the others. Contexts are JSON
 * and nothing else. Stops once all together are longer than `mostBytes`, a text that comes again counted once: then there are
 * results of some items, or all, that are too long. Throws only when no renderer can be started.
 */
export async function renderAll(items: RenderItem[], mostBytes?: number): Promise<Rendered[]> {
  return items.length === 0 ? [] : runAll({ mode: 'render', items }, mostBytes);
}

/** Null when the template can be rendered given the right names; else what is wrong with it and in which line. */
export async function checkSyntax(template: Template): Promise<TemplateError | null> {
  const [result] = await runAll({ mode: 'syntax', items: [{ ...template, context: {} }] });
  return result && 'error' in result ? result.error : null;
}

type Template = Omit<RenderItem, 'context'>;

/** The renderer as processes hand it to those who need it. */
export interface Jinja {
  renderAll: typeof renderAll;
  checkSyntax: typeof checkSyntax;
}

export function createJinja(): Jinja {
  return { renderAll, checkSyntax };
}
