// What an input costs grows with its size and not with its square: each kind of body and query is grown tenfold for every
// operation, and the time of the processor that looking at it takes is compared with ten times the small one's.
import { z } from 'zod';
import { endpoints } from '../../api/areas.ts';
import { mostDetails } from '../../api/kernel/problem-details.ts';
import type { Endpoint } from '../../api/operations/endpoint.ts';
import { validate } from '../../api/kernel/input.ts';
import { parseJson } from '../../api/kernel/json-body.ts';
import { Problem } from '../../workflows/problems/problem.ts';

const small = 500;
const growth = 10;
/** What is linear stays at 1, what is a square comes to 10. */
const mostRatio = 4;

type Grow = (n: number) => unknown;

const keys: Grow = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`key_${i}`, i]));
const fillings: readonly Grow[] = [
  keys,
  (n) => 'a'.repeat(n * 10),
  (n) => '1.'.repeat(n * 5),
  (n) => `a@${'b-'.repeat(n * 5)}`,
  (n) => ' '.repeat(n * 10),
  (n) => '/../'.repeat(n * 3),
  (n) => Array.from({ length: n }, (_, i) => i + 1),
  (n) => Array.from({ length: n }, (_, i) => `name-${i}`),
  (n) => Array.from({ length: n }, (_, i) => ({ id: i + 1, name: `n${i}`, [`key_${i}`]: true })),
  (n) => Array.from({ length: n }, () => keys(2)),
];

type Field = readonly [name: string, schema: z.ZodType];

const fieldsOf = (schema: z.ZodType | undefined): Field[] =>
  schema instanceof z.ZodObject
    ? (Object.entries(schema.shape) as [string, z.ZodType][])
    : schema instanceof z.ZodUnion
      ? (schema.options as z.ZodType[]).flatMap(fieldsOf)
      : schema instanceof z.ZodPipe
        ? fieldsOf(schema.in as z.ZodType)
        : [];

/** Whether a value of this kind is looked into at all: what is no list is not refused for its members. */
const looksInto = (schema: z.ZodType, fill: Grow): boolean =>
  !schema.safeParse(fill(2)).error?.issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0);

/** Bodies that are each filling, or hold it in each field that takes its kind. */
function bodiesOf({ body }: Endpoint): Grow[] {
  if (!body) return [keys];
  const fields = fieldsOf(body);
  if (fields.length === 0) return [...fillings];
  const filled = (fill: Grow): Grow | undefined => {
    const taking = fields.filter(([, schema]) => looksInto(schema, fill));
    return taking.length === 0 ? undefined : (n) => Object.fromEntries(taking.map(([name]) => [name, fill(n)]));
  };
  return [keys, ...fillings.map(filled).filter((one) => one !== undefined)];
}

const queriesOf = (endpoint: Endpoint): ((n: number) => URLSearchParams)[] => [
  (n) => new URLSearchParams(Object.keys(endpoint.query.shape).map((name): [string, string] => [name, '1,'.repeat(n)])),
  // What is unknown or there twice is so for all alike.
  ...(endpoint.id === 'listUsers'
    ? [
        (n: number) => new URLSearchParams(keys(n) as Record<string, string>),
        (n: number) => new URLSearchParams(Array.from({ length: n }, (): [string, string] => ['page', '1'])),
      ]
    : []),
];

const noQuery = new URLSearchParams();

const look = (endpoint: Endpoint, input: { query?: URLSearchParams; body?: unknown }): Problem | undefined => {
  const params = Object.fromEntries(Object.keys(endpoint.params.shape).map((name) => [name, '1']));
  try {
    validate(endpoint, { params, query: noQuery, body: undefined, ...input }, 'en');
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error;
  }
};

function cpuOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** What is over so soon when it is big is no square: at the sizes here one takes ten times as long. */
const soon = 30_000;

// A collection of garbage in the middle tells nothing: the best of a few counts.
function ratioOf(run: (n: number) => void): number {
  let best = Infinity;
  for (let n = 0; n < 4 && best > mostRatio; n += 1) {
    const many = cpuOf(() => run(small * growth));
    if (many < soon) return 0;
    const few = cpuOf(() => {
      for (let i = 0; i < growth; i += 1) run(small);
    });
    best = Math.min(best, many / Math.max(few, 1));
  }
  return best;
}

// Made beforehand, so that only the looking is measured.
const prepared = <T>(make: (n: number) => T): ((n: number) => T) => {
  const made = new Map([small, small * growth].map((n) => [n, make(n)]));
  return (n) => made.get(n) as T;
};

// Without a body one operation is as another.
const bodiless = endpoints.find(({ body }) => !body);
const withBody = endpoints.filter((endpoint) => endpoint.body || endpoint === bodiless);
const withQuery = endpoints.filter(({ query }) => Object.keys(query.shape).length > 0);
const named = (some: readonly Endpoint[]) => some.map((endpoint) => [endpoint.id, endpoint] as const);
const mistakes = (endpoint: Endpoint, input: Parameters<typeof look>[1]): number =>
  look(endpoint, input)?.details.length ?? 0;

test.each(named(withBody))('a body of %s that grows tenfold costs no more than ten', (_id, endpoint) => {
  const bodies = bodiesOf(endpoint).map(prepared);
  for (const body of bodies) expect(mistakes(endpoint, { body: body(small) })).toBeLessThanOrEqual(mostDetails);
  for (const body of bodies) expect(ratioOf((n) => void look(endpoint, { body: body(n) }))).toBeLessThan(mostRatio);
});

test('a query of any operation that grows tenfold costs no more than ten', () => {
  const all = withQuery.flatMap((endpoint) =>
    queriesOf(endpoint).map((query) => ({ endpoint, query: prepared(query) })),
  );
  for (const { endpoint, query } of all)
    expect(mistakes(endpoint, { query: query(small) })).toBeLessThanOrEqual(mostDetails);
  expect(ratioOf((n) => all.forEach(({ endpoint, query }) => look(endpoint, { query: query(n) })))).toBeLessThan(
    mostRatio,
  );
});

test.each<[string, Grow]>([
  ['a list of numbers', (n) => Array.from({ length: n }, (_, i) => i)],
  ['a list of texts', (n) => Array.from({ length: n }, (_, i) => `text ${i}`)],
  ['a long text', (n) => 'a\\"'.repeat(n)],
  ['many small objects', (n) => Array.from({ length: n }, () => ({ id: 1 }))],
  ['brackets', (n) => Array.from({ length: n }, () => [[[]]])],
])('what reading %s costs grows no faster than it', (_name, grow) => {
  const text = prepared((n) => JSON.stringify(grow(n)));
  expect(ratioOf((n) => void parseJson(text(n)))).toBeLessThan(mostRatio);
});

test.each([
  ['1,001 fields in one object', keys(1_001)],
  ['50,001 fields in all', Array.from({ length: 50_001 }, () => ({ id: 1 }))],
])('a body with %s is refused', (_name, body) => {
  expect(() => parseJson(JSON.stringify(body))).toThrow(
    expect.objectContaining({ details: [{ field: '', message: { key: 'has_too_many_fields' } }] }) as Error,
  );
});
