import { spend } from '../meter.ts';
import type { Value } from '../values/value.ts';

/** Names and their values; what is set inside stays inside. */
export class VariableScope {
  readonly #names = new Map<string, Value>();
  readonly #outer: VariableScope | null;

  constructor(outer: VariableScope | null, names: Iterable<readonly [string, Value]> = []) {
    this.#outer = outer;
    for (const [name, value] of names) this.#names.set(name, value);
  }

  get(name: string): Value | undefined {
    spend(1);
    const own = this.#names.get(name);
    return own === undefined ? this.#outer?.get(name) : own;
  }

  set(name: string, value: Value): void {
    this.#names.set(name, value);
  }
}
