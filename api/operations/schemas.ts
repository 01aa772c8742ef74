import { z } from 'zod';
import { usualPageSize } from '../../db/pagination/paginate.ts';
import { issue } from './issue.ts';

/** An id on input: a number, or a numeric string, which the documented API also allows. */
export const id = z.union([
  z.int().positive().max(999_999_999_999_999),
  z
    .string()
    .regex(/^[1-9]\d{0,14}$/, issue('must_be_an_id'))
    .transform(Number),
]);

/** A body that needs at least one of these fields. */
export const atLeastOne = <S extends z.ZodObject>(fields: S): S =>
  fields
    .refine((body) => Object.keys(body).length > 0, issue('at_least_one_field_is_needed'))
    .meta({ minProperties: 1 });

/** Documents that a list's elements must differ. */
export const distinct = { uniqueItems: true } as const;

/** The format of an Idempotency-Key. */
export const idempotencyKeyText = z.string().regex(/^[!-~]{1,255}$/);

/** An entry of a body that is a list of ids. */
export const idEntry = z.strictObject({ id });

/** A boolean in a query string. */
export const flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1');

/** One or several values, separated by commas. */
export const several = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z
    .string()
    .meta({ pattern: `^(${values.join('|')})(,(${values.join('|')}))*$` })
    .transform((given) => given.split(','))
    .pipe(z.array(z.enum(values)).min(1));

const unixSeconds = z
  .union([
    z.number().nonnegative().max(99_999_999_999),
    z
      .string()
      .regex(/^\d{1,11}(\.\d+)?(e-\d{1,3})?$/)
      .transform(Number),
  ])
  .transform((seconds) => new Date(seconds * 1000));

/** A point in time on input: ISO 8601 with an offset, or Unix seconds. */
export const moment = z.union(
  [z.iso.datetime({ offset: true }).transform((text) => new Date(text)), unixSeconds],
  issue('must_be_a_time'),
);

/** A time in a response; see `iso`. */
export const time = z.iso.datetime({ offset: true });

/** Formats a time for responses. */
export function iso(date: Date): string;
export function iso(date: Date | null): string | null;
export function iso(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}

/** The response of actions. */
export const success = z.object({ message: z.literal('success') });
export const done = { message: 'success' } as const;

/** The id of work that continues after the response. */
export const taskRef = z.object({ task_id: z.string() });

/** `available_actions`: what the caller may do with an object. */
export const actions = <const Names extends readonly [string, ...string[]]>(...names: Names) =>
  z.object(Object.fromEntries(names.map((name) => [name, z.boolean()])) as Record<Names[number], z.ZodBoolean>);

/** A set of permissions as a boolean per name. */
export const asFlags = <Name extends string>(
  names: readonly Name[],
  has: ReadonlySet<string> | undefined,
): Record<Name, boolean> =>
  Object.fromEntries(names.map((name) => [name, has?.has(name) ?? false])) as Record<Name, boolean>;

/** Query parameters for the requested page of a list. */
export const paging = {
  page: z.coerce.number().int().min(1).default(1),
  page_size: z.coerce.number().int().min(1).max(1000).default(usualPageSize),
};

/** The envelope of every list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    prev: z.string().nullable(),
    next: z.string().nullable(),
    count: z.int().nonnegative(),
    count_is_estimate: z.literal(true).optional(),
    results: z.array(item),
  });
