// What tests of the inventory share.
import type { Kysely } from 'kysely';
import type { Database } from '../../../db/database.ts';
import { unique } from '../harness.ts';
import type { ApiResponse, TestUser } from './app.ts';

export interface RefusalBody {
  error_code: number;
  message: string;
  details?: { field: string; message: string }[];
}

export interface Page<Item = { id: number; [field: string]: unknown }> {
  count: number;
  prev: string | null;
  next: string | null;
  results: Item[];
}

/** Status, code and the fields that a refusal names. */
export function refusal(answer: ApiResponse<object>): unknown[] {
  const { error_code, details } = answer.body as RefusalBody;
  return [answer.status, error_code, ...(details ?? []).map((one) => one.field)];
}

/** The records of an object, oldest first. */
export const recordsOf = (db: Kysely<Database>, targetType: string, targetId: number) =>
  db
    .selectFrom('auditRecords')
    .where('targetType', '=', targetType)
    .where('targetId', '=', targetId)
    .selectAll()
    .orderBy('id')
    .execute();

/** Makes an object through the API; returns it. */
export async function created<T extends { id: number }>(by: TestUser, path: string, body: object): Promise<T> {
  const answer = await by.post<T>(path, body);
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 201 });
  return answer.body;
}

/** Makes an application through the API; returns its id. */
export const anApplication = async (by: TestUser, fields: object = {}): Promise<number> =>
  (await created(by, '/applications/', { name: `app-${unique()}`, ...fields })).id;

export interface Host {
  id: number;
  name: string;
  status: string;
  busy: { kind: string; task_id: string } | null;
  [field: string]: unknown;
}

/** Makes a local host through the API, in a given status. */
export async function aHost(db: Kysely<Database>, by: TestUser, status = 'inited', fields: object = {}): Promise<Host> {
  const name = `host-${unique()}`;
  const host = await created<Host>(by, '/hosts/', { name, host_type: 'PHY_HOST', runner: 'local', ...fields });
  if (status === 'raw') return host;
  await db
    .updateTable('hosts')
    .set({ status: status as 'inited' })
    .where('id', '=', host.id)
    .execute();
  return { ...host, status };
}
