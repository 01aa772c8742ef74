// The values that a template is given, from JSON. Text bears the mark `free` where it is listed as such, and also where it
// is not made of the characters that names, versions and paths have: nothing else may stand in a script as it is.
import { standsRaw } from './plain.ts';
import { Marked } from './values/mark.ts';
import { Dict } from './values/value.ts';
import type { Value } from './values/value.ts';

function valueOf(json: unknown, path: string, free: ReadonlySet<string>): Value {
  if (typeof json === 'string') {
    const isFree = json !== '' && (free.has(path) || !standsRaw(json));
    return isFree ? new Marked(json, { kind: 'free', origin: path }) : json;
  }
  if (typeof json === 'number') return Number.isInteger(json) ? BigInt(json) : json;
  if (typeof json === 'boolean') return json;
  const inside = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (Array.isArray(json)) return json.map((item, at) => valueOf(item, inside(String(at)), free));
  if (typeof json !== 'object' || json === null) return null;
  return new Dict(Object.entries(json).map(([key, item]): [Value, Value] => [key, valueOf(item, inside(key), free)]));
}

/** The names of a context with their values; `free` are paths like `task.description`. */
export const contextOf = (context: object, free: readonly string[]): [string, Value][] => {
  const paths = new Set(free);
  return Object.entries(context).map(([name, value]) => [name, valueOf(value, name, paths)]);
};
