import { z } from 'zod';

/** One environment variable: `fallback` is its default, `defaultText` the default's form in the documentation. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  readonly variable: string;
  readonly schema: S;
  readonly fallback?: string;
  readonly defaultText: string;
  readonly meaning: string;
  /** The value is the path of a file that must be readable. */
  readonly file?: true;
}

/** A setting with a default. */
export function required<S extends z.ZodType>(
  variable: string,
  schema: S,
  fallback: string,
  meaning: string,
): Setting<S> {
  return { variable, schema, fallback, defaultText: fallback, meaning };
}

/** An optional setting. */
export function optional<S extends z.ZodType>(variable: string, schema: S, defaultText: string, meaning: string) {
  return { variable, schema: schema.optional(), defaultText, meaning } satisfies Setting;
}

/** A setting that names a readable file. */
export function file(variable: string, defaultText: string, meaning: string) {
  return { ...optional(variable, z.string(), defaultText, meaning), file: true } satisfies Setting;
}

/** A whole number with a unit. */
export const whole = (what: string, least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number of ${what}`)
    .transform(Number)
    .pipe(z.number().min(least, `must be at least ${least}`).max(most, `must be at most ${most}`));

/** Comma-separated parts, trimmed, without empty ones. */
export const listOf = (part: z.ZodType<string, string>) =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== ''),
    )
    .pipe(z.array(part));

/** A URL of one of these protocols. */
export const url = (protocol: RegExp, example: string) =>
  z.url({ protocol, error: `must be an address such as ${example}` });
/** An http or https URL, without trailing slashes. */
export const web = (example: string) => url(/^https?$/, example).transform((text) => text.replace(/\/+$/, ''));

/** A port's number. */
export const port = z
  .string()
  .regex(/^\d+$/, 'must be a port number')
  .transform(Number)
  .pipe(z.number().min(1, 'must be a port from 1 to 65535').max(65_535, 'must be a port from 1 to 65535'));
