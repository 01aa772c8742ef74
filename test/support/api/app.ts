// The API on the real database, called without a network. Users are made with exactly the grants that a test needs.
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { createApp, type AppOptions } from '../../../api/app.ts';
import type { AppDeps } from '../../../api/operations/context.ts';
import { switchOf, type SystemPermission } from '../../../db/access/permission-catalogue.ts';
import { hashPassword } from '../../../db/access/passwords.ts';
import { createToken } from '../../../db/access/tokens.ts';
import type { Database } from '../../../db/database.ts';
import { hostWay } from '../../../db/hosts/ways.ts';
import { createSecrets } from '../../../db/secrets/secrets.ts';
import { parseConfig } from '../../../kit/config/config.ts';
import { createLogger } from '../../../kit/log.ts';
import { testDatabase, unique, type TestDatabase } from '../harness.ts';

/** A JSON answer; `body` is typed by the caller. */
export interface ApiResponse<Body = Record<string, unknown>> {
  status: number;
  body: Body;
  headers: Headers;
}

type Headers_ = Record<string, string>;

/** Calls the API as one user. */
export interface TestClient {
  get<B = Record<string, unknown>>(path: string, headers?: Headers_): Promise<ApiResponse<B>>;
  post<B = Record<string, unknown>>(path: string, body?: unknown, headers?: Headers_): Promise<ApiResponse<B>>;
  patch<B = Record<string, unknown>>(path: string, body?: unknown, headers?: Headers_): Promise<ApiResponse<B>>;
  delete<B = Record<string, unknown>>(path: string, body?: unknown, headers?: Headers_): Promise<ApiResponse<B>>;
}

export interface TestUser extends TestClient {
  id: number;
  username: string;
  token: string;
}

/** Grants by object id; the switches of the modules of `system` come by themselves. */
export interface TestGrants {
  username?: string;
  password?: string;
  admin?: boolean;
  system?: SystemPermission[];
  application?: Record<number, string[]>;
  host?: Record<number, string[]>;
}

export interface TestApp {
  db: Kysely<Database>;
  database: TestDatabase;
  app: ReturnType<typeof createApp>;
  deps: AppDeps;
  anonymous: TestClient;
  /** Log lines written so far. */
  log: Record<string, unknown>[];
  user(grants?: TestGrants): Promise<TestUser>;
  /** A client with headers of its own, such as a cookie. */
  client(headers: Headers_): TestClient;
  close(): Promise<void>;
}

const absent = (what: string): never =>
  new Proxy(
    {},
    {
      get: (_target, name) => {
        throw new Error(`this test has no ${what} (${String(name)})`);
      },
    },
  ) as never;

/** The API on a database of its own; `deps` replaces any part of it. */
export async function testApp(deps: Partial<AppDeps> = {}, options: AppOptions = {}): Promise<TestApp> {
  const database = await testDatabase();
  const log: Record<string, unknown>[] = [];
  const config = parseConfig({});
  const all: AppDeps = {
    db: database.db,
    engine: absent('engine'),
    jinja: absent('jinja'),
    listen: absent('listener'),
    secrets: createSecrets({ masterKey: randomBytes(32).toString('base64') }),
    config,
    log: createLogger({ logLevel: 'info' }, 'api', {
      write: (line) => void log.push(JSON.parse(line) as Record<string, unknown>),
    }),
    now: () => new Date(),
    pause: () => Promise.resolve(),
    ...deps,
  };
  const app = createApp(all, { answerCheck: 'refuse', ...options });
  const client = (headers: Headers_): TestClient => clientOf(app, headers);
  return {
    db: database.db,
    database,
    app,
    deps: all,
    log,
    client,
    anonymous: client({}),
    user: (grants) => makeUser(database.db, client, grants),
    close: () => database.close(),
  };
}

/** The request handler: the application itself, or a server on the network. */
interface Answering {
  request(path: string, init: RequestInit): Response | Promise<Response>;
}

export function clientOf(app: Answering, own: Headers_): TestClient {
  const call = async <B>(method: string, path: string, body: unknown, headers: Headers_): Promise<ApiResponse<B>> => {
    const response = await app.request(path, {
      method,
      headers: { ...own, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json');
    return {
      status: response.status,
      body: (isJson && text !== '' ? JSON.parse(text) : text) as B,
      headers: response.headers,
    };
  };
  return {
    get: (path, headers = {}) => call('GET', path, undefined, headers),
    post: (path, body, headers = {}) => call('POST', path, body, headers),
    patch: (path, body, headers = {}) => call('PATCH', path, body, headers),
    delete: (path, body, headers = {}) => call('DELETE', path, body, headers),
  };
}

/** A user with a token and exactly these grants. */
export async function makeUser(
  db: Kysely<Database>,
  client: (headers: Headers_) => TestClient,
  { username = `user-${unique()}`, password, admin, system = [], application = {}, host = {} }: TestGrants = {},
): Promise<TestUser> {
  const { id } = await db
    .insertInto('users')
    .values({
      username,
      name: username,
      email: `${username}@example.com`,
      lastLoginTime: null,
      passwordHash: password === undefined ? null : await hashPassword(password),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (admin)
    await sql`insert into user_roles (user_id, role_id) select ${id}, id from roles where name = 'admin'`.execute(db);
  const granted = [
    ...[...new Set(system.flatMap((one) => [one, switchOf(one)]))].map((one) => ['system', 0, one] as const),
    ...onObjects('application', application),
    ...onObjects('host', host),
  ];
  for (const [scope, objectId, permission] of granted)
    await db.insertInto('grants').values({ userId: id, roleId: null, scope, objectId, permission }).execute();
  const { value } = await createToken(db, { userId: id, name: 'test', description: '', expiresTime: null });
  return { id, username, token: value, ...client({ authorization: `Token ${value}` }) };
}

const onObjects = <S extends 'application' | 'host'>(scope: S, grants: Record<number, string[]>) =>
  Object.entries(grants).flatMap(([id, names]) => names.map((name) => [scope, Number(id), name] as const));

/** An application as a test needs it; returns its id. */
export async function makeApplication(db: Kysely<Database>, name = `app-${unique()}`): Promise<number> {
  const { id } = await db
    .insertInto('applications')
    .values({ name, fullName: name, parentId: null, productionId: null, creator: 'test', deletedTime: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Admits hosts that were written straight into the database. */
export const admitHosts = (db: Kysely<Database>, ids: readonly number[]) =>
  sql`update hosts set admitted_way = ${hostWay} where id = any(${ids}::bigint[])`.execute(db);

/** A host as a test needs it; returns its id. */
export async function makeHost(db: Kysely<Database>, name = `host-${unique()}`): Promise<number> {
  const { id } = await db
    .insertInto('hosts')
    .values({ name, hostType: 'PHY_HOST', runner: 'local', creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
