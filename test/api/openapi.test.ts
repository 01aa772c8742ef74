import { endpoints } from '../../api/areas.ts';
import { segmentsOf } from '../../api/kernel/paths.ts';
import { problems } from '../../workflows/problems/problem.ts';
import { testApp, type TestApp } from '../support/api/app.ts';

let t: TestApp;
beforeAll(async () => {
  t = await testApp();
});
afterAll(() => t.close());

interface Operation {
  operationId: string;
  security: object[];
  'x-permission': string[];
  responses: Record<string, { content?: { 'application/json'?: { examples?: Record<string, unknown> } } }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

const protectedOnes = endpoints.filter((endpoint) => endpoint.permission !== 'public');

describe('every operation', () => {
  test.each(protectedOnes.map((endpoint) => [endpoint.method, endpoint.path] as const))(
    '%s %s is refused to anonymous callers',
    async (method, path) => {
      const address = path.replace(/\{\w+\}/g, '1');
      const answer = await t.app.request(address, { method });
      expect(answer.status).toBe(401);
    },
  );

  test('has a unique id, and a path that ends in a slash', () => {
    const ids = endpoints.map((endpoint) => endpoint.id);
    expect(ids).toEqual([...new Set(ids)]);
    expect(endpoints.filter((endpoint) => !endpoint.path.endsWith('/')).map((endpoint) => endpoint.path)).toEqual([]);
  });

  test('is documented with its permission and every refusal that it declares', async () => {
    const { body } = await t.anonymous.get<Document>('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    for (const endpoint of endpoints) {
      const operation = body.paths[endpoint.path]?.[endpoint.method.toLowerCase()];
      expect(operation?.operationId).toBe(endpoint.id);
      expect(operation?.['x-permission'].length).toBeGreaterThan(0);
      for (const name of endpoint.problems)
        expect(operation?.responses[problems[name].status]?.content?.['application/json']?.examples).toHaveProperty(
          name,
        );
    }
  });
});

test('one resource has one canonical spelling in the document', async () => {
  const { body } = await t.anonymous.get<Document>('/openapi.json');
  const shapes = Object.keys(body.paths).map((path) =>
    segmentsOf(path)
      .join('/')
      .replace(/\{\w+\}/g, '{}'),
  );
  expect(shapes).toEqual([...new Set(shapes)]);
});

/** Every object in a document. */
function objectsIn(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn);
  if (typeof value !== 'object' || value === null) return [];
  return [value as Record<string, unknown>, ...Object.values(value).flatMap(objectsIn)];
}

test('objects of requests forbid additional fields, and their numbers have bounds', async () => {
  const { body } = await t.anonymous.get<Document>('/openapi.json');
  const requests = Object.values(body.paths)
    .flatMap((methods) => Object.values(methods) as unknown as Record<string, unknown>[])
    .flatMap(({ requestBody, parameters }) => objectsIn([requestBody, parameters]));
  const open = requests.filter(({ type, properties, additionalProperties }) => {
    return type === 'object' && properties !== undefined && additionalProperties === undefined;
  });
  expect(open).toEqual([]);
  expect(requests.filter(({ type, maximum }) => type === 'integer' && maximum === undefined)).toEqual([]);
});

test('patterns of the document are plain expressions, without flags', async () => {
  const { body } = await t.anonymous.get<Document>('/openapi.json');
  const patterns = objectsIn(body).flatMap(({ pattern }) => (typeof pattern === 'string' ? [pattern] : []));
  expect(patterns.length).toBeGreaterThan(0);
  expect(patterns.filter((pattern) => /\/[a-z]+$/.test(pattern))).toEqual([]);
});

test('the reference loads no external resource', async () => {
  const page = await t.anonymous.get<string>('/docs');
  expect(page.status).toBe(200);
  expect(page.body).not.toMatch(/https?:/);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source = '']) => source);
  expect(sources).toHaveLength(4);
  for (const source of sources) expect((await t.anonymous.get(source)).status).toBe(200);
});
