// Every mutating operation fails without effect while the audit table accepts no row. Afterwards the same requests succeed,
// which shows that they were valid.
import { sql } from 'kysely';
import { createCloudWorld, createMemoryCloud } from '../../activities/providers/cloud/memory.ts';
import { createMemoryMonitoring, createMonitoringWorld } from '../../activities/providers/monitoring/memory.ts';
import { endpoints } from '../../api/areas.ts';
import type { Endpoint } from '../../api/operations/endpoint.ts';
import type { ApiResponse } from '../support/api/app.ts';
import { makeStage, type Prepared, type Stage } from './stage.ts';
import { trials } from './table.ts';
import { eventually, unique } from '../support/harness.ts';
import { testWorld, type World } from '../support/world.ts';

const mutations = endpoints.filter(({ method }) => method !== 'GET');

// Hosts can be imported from somewhere.
const cloud = { SLIPWAY_TENCENT_SECRET_ID: 'id', SLIPWAY_TENCENT_SECRET_KEY: 'key', SLIPWAY_TENCENT_REGIONS: 'r-1' };

let world: World;
let stage: Stage;
beforeAll(async () => {
  const monitoring = createMemoryMonitoring(createMonitoringWorld({ groups: ['all'] }));
  world = await testWorld({
    logLevel: 'fatal',
    // Between a code and its use all the other requests are made.
    env: { ...cloud, SLIPWAY_SECOND_FACTOR_DRIFT: '1' },
    settings: { zabbixUrl: 'http://zabbix.example.com' },
    providers: { monitoring, clouds: { TECENT_CVM: createMemoryCloud(createCloudWorld()) } },
  });
  stage = await makeStage(world);
}, 120_000);
afterAll(() => world.close());

interface Request {
  operation: Endpoint;
  send(): Promise<ApiResponse>;
}

function requestOf(operation: Endpoint, { as = stage.admin, params = {}, body }: Prepared): Request {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name] ?? 'missing'));
  const headers = operation.idempotent ? { 'idempotency-key': unique() } : {};
  const call = operation.method === 'POST' ? as.post : operation.method === 'PATCH' ? as.patch : as.delete;
  return { operation, send: () => call(path, body, headers) };
}

async function prepared(): Promise<Request[]> {
  const requests = await Promise.all(
    mutations.map(async (operation) => {
      const trial = trials[operation.id];
      return typeof trial === 'function' ? [requestOf(operation, await trial(stage))] : [];
    }),
  );
  await eventually(
    async () => {
      const { rows } = await sql`select from outbox`.execute(world.database.owner);
      return rows.length === 0;
    },
    { timeout: 20_000 },
  );
  return requests.flat();
}

// What requests leave behind that is no change of anything: attempts counted, keys claimed, times of use.
const notChanges = ['idempotency_keys', 'rate_events', 'audit_refusals', 'host_reads', 'kysely_migration'];
const notFacts = ['last_used_time', 'last_seen_time'];

/** The contents of every table, each as one hash. */
async function contents(): Promise<Record<string, string>> {
  const { owner } = world.database;
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`.execute(owner);
  const found: Record<string, string> = {};
  for (const { name } of tables.filter((one) => !notChanges.includes(one.name))) {
    const { rows } = await sql<{ hash: string }>`
      select count(*) || ' ' || coalesce(md5(string_agg(line, '' order by line)), '') as hash
      from (select (to_jsonb(t) - ${sql.val(notFacts)}::text[])::text as line from ${sql.table(name)} t) lines
    `.execute(owner);
    found[name] = rows[0]?.hash ?? '';
  }
  return found;
}

it('no operation takes effect without its record, and the answer is 503; afterwards the same requests succeed', async () => {
  const requests = await prepared();
  const before = await contents();
  await sql`alter table audit_records add constraint never check (false) not valid`.execute(world.database.owner);
  const refused = await Promise.all(requests.map(async ({ operation, send }) => [operation.id, await send()] as const));
  const after = await contents();
  await sql`alter table audit_records drop constraint never`.execute(world.database.owner);
  const happened = refused.filter(([, { status, body }]) => status !== 503 || body['error_code'] !== 10008);
  expect(happened.map(([id, { status, body }]) => [id, status, body])).toEqual([]);
  expect(after).toEqual(before);

  const carriedOut = await Promise.all(
    requests.map(async ({ operation, send }) => {
      const { status, body } = await eventually(async () => {
        const answer = await send();
        return answer.status === 503 ? false : answer;
      });
      return { id: operation.id, status, body };
    }),
  );
  expect(carriedOut.filter(({ status }) => status >= 300)).toEqual([]);
}, 180_000);
