// PostgreSQL limits a statement to 65,535 parameters. Every writer and reader of many rows is tested beyond that limit.
import { sql } from 'kysely';
import { changeGrants, directGrants } from '../../db/access/grants.ts';
import { giveRole, takeRole } from '../../db/access/roles.ts';
import { beginInstanceTask, lockInstances } from '../../db/applications/instance-tasks.ts';
import { setResponsePersons } from '../../db/applications/people.ts';
import { addRequirements, dropRequirements } from '../../db/applications/relations.ts';
import { record } from '../../db/audit/record.ts';
import { createSealer } from '../../db/audit/seal.ts';
import { adopt } from '../../db/host-imports/adopt.ts';
import { compare, keepFindings } from '../../db/host-imports/findings.ts';
import { keepPackages, packagesNamed } from '../../db/hosts/packages.ts';
import { beginHostTask } from '../../db/hosts/tasks.ts';
import type { HostRow, InstanceRow } from '../../db/inventory/tables.ts';
import { json } from '../../db/core/jsonb.ts';
import { insertRows } from '../../db/core/row-batches.ts';
import { appendOutput } from '../../db/tasks/output.ts';
import type { Database } from '../../db/database.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import { testDatabase } from '../support/harness.ts';
import type { TestDatabase } from '../support/harness.ts';

const limit = 65_535;
const by: Actor = { id: 1, username: 'test', channel: 'token' };

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await database.owner.connection().execute(async (db) => {
    for (const statement of [
      'set session_replication_role = replica',
      `insert into users (username, name, email) select 'u-' || i, '', i || '@example.com' from generate_series(1, ${limit + 1}) i`,
      `insert into applications (name, full_name, creator) select 'a-' || i, 'a-' || i, '' from generate_series(1, ${limit + 1}) i`,
      `insert into hosts (name, host_type, creator) select 'h-' || i, 'PHY_HOST', '' from generate_series(1, ${limit + 1}) i`,
      `insert into instances (application_id, host_id) select 1, i from generate_series(1, ${limit + 1}) i`,
      'set session_replication_role = origin',
    ])
      await sql.raw(statement).execute(db);
  });
});
afterAll(() => database.close());

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
/** Enough rows to exceed the limit with a parameter per value. */
const beyond = (columns: number): number[] => numbers(Math.floor(limit / columns) + 1);

async function rowsOf(table: keyof Database): Promise<number> {
  const { count } = await database.owner
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

async function newTask(): Promise<number> {
  const { id } = await database.db
    .insertInto('tasks')
    .values({ area: 'deploy', kind: 'upgrade', creator: 'test', timeoutSeconds: 1 })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

const instanceTask = {
  action: 'stop' as const,
  applicationId: 1,
  creator: 'test',
  timeoutSeconds: 1,
  batchSize: 1,
  now: new Date(),
};
const setup = {
  deployPath: '',
  runUser: '',
  startupCmd: '',
  stopCmd: '',
  pidPath: '',
  keepBackups: 0,
  package: null,
};

interface Writer {
  name: string;
  table: keyof Database;
  rows: number;
  write(): Promise<unknown>;
}

const writer = (
  name: string,
  table: keyof Database,
  columns: number,
  write: (ids: number[]) => Promise<unknown>,
): Writer => ({ name, table, rows: beyond(columns).length, write: () => write(beyond(columns)) });

const line = { instanceId: null, host: 'h', step: 'start', stream: 'stdout', text: '' } as const;

const writers: Writer[] = [
  writer('lines of output', 'taskOutput', 1, async (ids) => {
    const lines = ids.map((id) => ({ ...line, text: String(id) }));
    await appendOutput(database.db, {
      taskId: await newTask(),
      source: 's',
      from: 0,
      to: 1,
      lines,
      limitBytes: 10 ** 9,
    });
  }),
  writer('results of a host task', 'taskResults', 4, async (ids) => {
    const hosts = ids.map((id) => ({ id, name: `h-${id}` }) as HostRow);
    const task = { kind: 'stop' as const, creator: 'test', timeoutSeconds: 1, opts: {}, hosts, now: new Date() };
    await beginHostTask(database.db, task);
  }),
  writer('results of an instance task', 'taskResults', 8, async (ids) => {
    const instances = ids.map(
      (id) =>
        ({ id, hostId: id, hostname: `h-${id}`, version: '1', status: 'stopped' }) as InstanceRow & {
          hostname: string;
        },
    );
    await beginInstanceTask(database.db, { ...instanceTask, instances: instances.map((one) => ({ ...one, setup })) });
  }),
  writer('results with their scripts', 'taskScripts', 6, async (ids) => {
    const taskId = await newTask();
    const script = { language: 'bash' as const, content: '', runningUser: null, step: 'pre_exec' };
    await insertRows(
      database.db,
      'taskScripts',
      ids.map((position) => ({ ...script, taskId, position })),
    );
  }),
  writer('packages of a task', 'taskPackages', 8, async (ids) => {
    const packages = ids.map((id) => ({
      id,
      name: 'p',
      type: 'tar',
      version: '1',
      source: '/p',
      sha256: '',
      creator: '',
      createdTime: new Date(),
    }));
    await keepPackages(database.db, await newTask(), packages as unknown as Parameters<typeof keepPackages>[2]);
  }),
  writer('grants', 'grants', 5, (ids) =>
    changeGrants(
      database.db,
      { kind: 'user', id: 1 },
      'host',
      ids.map((objectId) => ({ objectId, permission: 'view_host', enable: true })),
    ),
  ),
  writer('users of a role', 'userRoles', 2, (ids) => giveRole(database.db, 1, ids)),
  writer('response persons', 'responsePersons', 3, (ids) =>
    setResponsePersons(
      database.db,
      1,
      ids.map((userId) => ({ userId, type: 'dev' })),
    ),
  ),
  writer('requirements', 'requiredApps', 2, (ids) =>
    addRequirements(
      database.db,
      1,
      ids.map((id) => id + 1),
    ),
  ),
  writer('audit records', 'auditRecords', 20, (ids) =>
    record(
      database.db,
      by,
      ids.map((targetId) => ({
        view: 'host' as const,
        area: 'hosts',
        opType: 'add',
        targetType: 'host',
        targetId,
        detail: { en: 'x', zh: 'x' },
      })),
    ),
  ),
  writer('links of the audit chain', 'auditChain', 20, () => createSealer(database.owner).seal()),
];

const found = (id: number) => ({
  hostType: 'ALI_ECS' as const,
  key: `i-${id}`,
  providerId: `i-${id}`,
  name: `new-${id}`,
  minionId: null,
  account: '',
  region: '',
  osStatus: null,
  osType: '',
  cpu: null,
  memory: null,
  location: '',
  addresses: [],
});

describe('rows beyond the parameters of a statement are all written:', () => {
  test.each(writers)('$name', async ({ table, rows, write }) => {
    const before = await rowsOf(table);
    await write();
    expect((await rowsOf(table)) - before).toBe(rows);
  });

  test('findings of an import, and the hosts that they become', async () => {
    const { db } = database;
    const { id } = await db
      .insertInto('hostImports')
      .values({
        kind: 'import',
        sources: json(['ALI_ECS']),
        adopt: false,
        creator: 'test',
        createdTime: new Date(),
        finishedTime: null,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const all = beyond(13);
    await keepFindings(db, id, 'ALI_ECS', all.map(found));
    expect(await rowsOf('hostImportFindings')).toBe(all.length);
    await compare(db, id);
    const hosts = await rowsOf('hosts');
    await adopt(db, id, true, by);
    expect((await rowsOf('hosts')) - hosts).toBe(all.length);
  });
});

describe('a list of ids is as long as it may be:', () => {
  const ids = numbers(limit + 1);
  test.each([
    { name: 'in a read', read: () => directGrants(database.db, { kind: 'user', id: 2 }, 'host', ids) },
    { name: 'in a lock', read: () => packagesNamed(database.db, ids) },
    { name: 'in a deletion', read: () => takeRole(database.db, 2, ids) },
    { name: 'in a deletion of pairs', read: () => dropRequirements(database.db, 2, ids) },
  ])('$name', async ({ read }) => {
    await expect(read()).resolves.not.toThrow();
  });

  test('in a lock of rows that are there, each of them is found; and what is not among them is the rest', async () => {
    expect(await lockInstances(database.db, 1, ids)).toHaveLength(ids.length);
    const others = database.db.selectFrom('users').select('id').where('id', 'not in', ids.slice(1));
    expect(await others.execute()).toEqual([{ id: 1 }]);
  });
});
