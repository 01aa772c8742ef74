// Patterns of messages: `{name}` is a parameter, `{n:one|other}` the form that goes with the number n.

const place = /\{(\w+)(?::([^|{}]*)\|([^|{}]*))?\}/g;

/** The parameters in the text of a pattern. */
export type Placeholders<T extends string> = T extends `${string}{${infer P}}${infer Rest}`
  ? (P extends `{${string}` ? never : P extends `${infer Name}:${string}` ? Name : P) | Placeholders<Rest>
  : never;

/** Fills a pattern in one pass; a parameter without a value stays as it is written. */
export const fill = (pattern: string, valueOf: (name: string) => string | number | undefined): string =>
  pattern.replace(place, (whole, name: string, one?: string, other?: string) => {
    const value = valueOf(name);
    if (one !== undefined && other !== undefined) return Number(value) === 1 ? one : other;
    return value === undefined ? whole : String(value);
  });

/** The names of a pattern's parameters. */
export const namesIn = (pattern: string): string[] => [
  ...new Set([...pattern.matchAll(place)].map(([, name = '']) => name)),
];
