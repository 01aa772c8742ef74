import { RenderError } from '../render-error.ts';

/** A number cut to an integer. */
export function whole(value: bigint | number | boolean): bigint {
  if (typeof value !== 'number') return BigInt(value);
  if (!Number.isFinite(value)) throw new RenderError('the number is not finite');
  return BigInt(Math.trunc(value));
}
