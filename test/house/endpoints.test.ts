// Every served operation requires credentials, declares whom it admits, and is documented.
import { endpoints } from '../../api/areas.ts';
import type { Endpoint } from '../../api/operations/endpoint.ts';
import { applicationPermissions, coveredBy, hostPermissions, modules } from '../../db/access/permission-catalogue.ts';
import { idInBody } from '../../api/kernel/paths.ts';
import { testApp, type TestApp } from '../support/api/app.ts';
import { trials } from '../audit-failure/table.ts';
import { addressOf, operationOf, specified } from './served.ts';

// Public operations, listed here explicitly too.
const publicOperations = [
  'login',
  'loginWithCode',
  'forgetPassword',
  'forgetPasswordOf',
  'resetPassword',
  'confirmEmail',
];

// Operations outside the kernel: they are mounted separately and tested on their own.
const outsideKernel = ['GET /ws/tasks/{}/output/'];

// Whose operations are not served yet; a name is taken off this list with its area.
const modulesToCome: readonly (keyof typeof modules)[] = ['dns_mgmt', 'common_tools'];
const objectPermissionsToCome = ['view_app_monitor', 'login_host'];
const systemPermissionsToCome: readonly string[] = [];

const named = (one: Endpoint): string => `${one.id}: ${one.method} ${one.path}`;
const served = new Map(endpoints.map((one) => [operationOf(one.method, one.path), one]));
const guarded = endpoints.filter(({ permission }) => permission !== 'public');

describe('every endpoint', () => {
  let api: TestApp;
  beforeAll(async () => {
    api = await testApp();
  });
  afterAll(() => api.close());

  const answers = async (which: readonly Endpoint[], headers: Record<string, string>): Promise<string[]> =>
    Promise.all(
      which.map(async (one) => {
        const { status } = await api.app.request(addressOf(one), { method: one.method, headers });
        return `${named(one)} answers ${status}`;
      }),
    );

  it('responds with 401 to a caller without credentials, before any other check', async () => {
    const found = await answers(guarded, {});
    expect(found.filter((line) => !line.endsWith(' answers 401'))).toEqual([]);
  });

  it('responds with 401 to an unknown token', async () => {
    const found = await answers(guarded, { authorization: `Token ${'0'.repeat(40)}` });
    expect(found.filter((line) => !line.endsWith(' answers 401'))).toEqual([]);
  });

  it('is documented in OpenAPI with its id, its permission and its refusals', async () => {
    const { status, body } = await api.anonymous.get<OpenApi>('/openapi.json');
    expect(status).toBe(200);
    const documented = new Map(
      Object.entries(body.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => [operationOf(method.toUpperCase(), path), operation]),
      ),
    );
    const wanting = endpoints.filter((one) => {
      const operation = documented.get(operationOf(one.method, one.path));
      return operation?.operationId !== one.id || operation.responses[String(one.status)] === undefined;
    });
    expect(wanting.map(named)).toEqual([]);
  });
});

interface OpenApi {
  paths: Record<string, Record<string, { operationId?: string; responses: Record<string, unknown> }>>;
}

describe('the list of endpoints', () => {
  it('has no operation and no id twice', () => {
    expect(served.size).toBe(endpoints.length);
    expect(new Set(endpoints.map(({ id }) => id)).size).toBe(endpoints.length);
  });

  it('is public only where it has to be', () => {
    const open = endpoints.filter(({ permission }) => permission === 'public').map(({ id }) => id);
    expect(open.filter((id) => !publicOperations.includes(id))).toEqual([]);
  });

  it('holds only operations that are specified', () => {
    const known = new Set(specified().map(({ operation }) => operation));
    expect([...served.keys()].filter((operation) => !known.has(operation))).toEqual([]);
  });

  it('tells which specified operations are still to come', () => {
    const inBody = new Set(idInBody.map(({ method, path }) => operationOf(method, path)));
    const missing = specified().filter(
      ({ operation }) => !served.has(operation) && !inBody.has(operation) && !outsideKernel.includes(operation),
    );
    const count = specified().length;
    const perArea = Map.groupBy(missing, ({ area }) => area);
    const lines = [...perArea].map(
      ([area, some]) => `${area} (${some.length}): ${some.map((o) => o.operation).join(', ')}`,
    );
    if (missing.length > 0)
      process.stdout.write(`${missing.length} of ${count} operations are still to come\n${lines.join('\n')}\n`);
    expect(missing.length).toBeLessThan(count);
  });
});

describe('the catalogue of permissions', () => {
  const asked = endpoints.flatMap(({ permission }) => (permission === 'public' ? [] : permission.names));
  // A permission on all objects is asked for wherever the one on a single object is.
  const covering = [...applicationPermissions, ...hostPermissions]
    .filter((name) => asked.includes(name))
    .flatMap(coveredBy);
  const checked = new Set<string>([...asked, ...covering]);

  it('has no object permission that no operation asks for', () => {
    const unused = [...applicationPermissions, ...hostPermissions].filter((name) => !checked.has(name));
    expect(unused.filter((name) => !objectPermissionsToCome.includes(name))).toEqual([]);
  });

  it('has no permission of a module that no operation asks for', () => {
    const unused = Object.entries(modules)
      .filter(([name]) => !modulesToCome.some((module) => module === name))
      .flatMap(([, { permissions }]) => permissions.slice(1))
      .filter((name) => !checked.has(name) && !systemPermissionsToCome.includes(name));
    expect(unused).toEqual([]);
  });

  it('lists no name as still to come that an operation already uses', () => {
    const ofModules = modulesToCome.flatMap((module) => modules[module].permissions);
    const coming = [...objectPermissionsToCome, ...systemPermissionsToCome, ...ofModules];
    expect(coming.filter((name) => checked.has(name))).toEqual([]);
  });
});

it('has, for every operation that changes something and for no other, a trial without its audit record', () => {
  const changing = endpoints.filter(({ method }) => method !== 'GET').map(({ id }) => id);
  expect(changing.filter((id) => trials[id] === undefined)).toEqual([]);
  expect(Object.keys(trials).filter((id) => !changing.includes(id))).toEqual([]);
});
