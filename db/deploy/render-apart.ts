// Templates are rendered by another process, and no transaction may wait for it. Work that needs rendered texts is started,
// rolled back if one is missing, and retried with the texts rendered meanwhile. Several missing texts on a retry are rare:
// data changed in between.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import type { Rendered, RenderItem } from '../../kit/jinja/index.ts';
import type { Renderer } from './plan.ts';

const mostRounds = 5;

class NotRenderedError extends Error {
  readonly items: RenderItem[];
  readonly mostBytes: number;

  constructor(items: RenderItem[], mostBytes: number) {
    super('the templates of a plan go on changing while it is made');
    this.name = 'NotRenderedError';
    this.items = items;
    this.mostBytes = mostBytes;
  }
}

const keyOf = (item: RenderItem): string => createHash('sha256').update(canonicalJson(item)).digest('base64');

/** Does `work`, which undoes all that it did when it throws, with a renderer that only knows what was rendered before. */
export async function renderApart<T>(renderer: Renderer, work: (known: Renderer) => Promise<T>): Promise<T> {
  // Undefined: left out, as all together were longer than allowed.
  const texts = new Map<string, Rendered | undefined>();
  const renderAll = (items: RenderItem[], mostBytes: number): Promise<Rendered[]> => {
    const missing = items.filter((item) => !texts.has(keyOf(item)));
    if (missing.length > 0) return Promise.reject(new NotRenderedError(missing, mostBytes));
    return Promise.resolve(items.flatMap((item) => texts.get(keyOf(item)) ?? []));
  };
  for (let round = 1; ; round += 1) {
    try {
      return await work({ ...renderer, renderAll });
    } catch (error) {
      if (!(error instanceof NotRenderedError) || round > mostRounds) throw error;
      const rendered = await renderer.renderAll(error.items, error.mostBytes);
      for (const [index, item] of error.items.entries()) texts.set(keyOf(item), rendered[index]);
    }
  }
}
