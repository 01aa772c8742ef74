// What one template may use. A process renders one template at a time, so one meter serves all of it: steps, characters and
// items that are made are counted against the same fuel, which bounds time and memory.
import { RenderError } from './render-error.ts';
import { limits } from './protocol.ts';

const charactersAStep = 64;
let left = 0;
let depth = 0;

/** The line that is carried out at present, for errors that know of none. */
export const place = { line: 1 };

export function refuel(): void {
  left = limits.fuel;
  depth = 0;
  place.line = 1;
}

export function spend(steps: number): void {
  left -= steps;
  if (left < 0) throw new RenderError('the template takes too many steps');
}

/** Counts a text that is about to be made; a single one is bounded too. */
export function spendText(length: number): void {
  if (length > limits.textLength) throw new RenderError('a text becomes too long');
  spend(Math.ceil(length / charactersAStep));
}

/** Runs a part within a part; too many within each other are refused. */
export function deeper<T>(run: () => T): T {
  if (depth >= limits.depth) throw new RenderError('the template nests or recurses too deeply');
  depth += 1;
  try {
    return run();
  } finally {
    depth -= 1;
  }
}
