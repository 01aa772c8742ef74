// Deduplicates rendered texts: each is stored once per plan, by SHA-256, for all hooks and instances that share it. Older
// plans keep texts inline, and are read as they are.
import { createHash } from 'node:crypto';
import type { DeployPlan, HookName, PlannedInstance } from '../../workflows/deploy/contract.ts';
import { storableText } from '../core/jsonb.ts';

export type HookTexts = Partial<Record<HookName, string>>;

const entries = (hooks: HookTexts): [HookName, string][] => Object.entries(hooks) as [HookName, string][];

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Collects texts, hashing each once. */
export class TextCollection {
  readonly byHash: Record<string, string> = {};
  readonly #hashes = new Map<string, string>();

  /** The texts of an instance by their hashes. */
  keep(hooks: HookTexts): HookTexts {
    return Object.fromEntries(entries(hooks).map(([name, text]) => [name, this.#hash(text)]));
  }

  #hash(rendered: string): string {
    const text = storableText(rendered);
    const hash = this.#hashes.get(text) ?? hashOf(text);
    this.#hashes.set(text, hash);
    this.byHash[hash] = text;
    return hash;
  }
}

/** The texts of an instance's hooks. */
export function textsOf({ hook_texts: texts }: Pick<DeployPlan, 'hook_texts'>, { hooks }: PlannedInstance): HookTexts {
  if (texts === undefined) return hooks;
  return Object.fromEntries(
    entries(hooks).flatMap(([name, hash]) => {
      const text = texts[hash];
      return text === undefined ? [] : [[name, text]];
    }),
  );
}
