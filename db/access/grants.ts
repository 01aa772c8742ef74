import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Database } from '../database.ts';
import { fromParts } from '../core/row-batches.ts';

/** Whom something is granted to. */
export interface Grantee {
  kind: 'user' | 'role';
  id: number;
}

/** One permission on one object (0 for the system), given or taken back. */
export interface GrantChange {
  objectId: number;
  permission: string;
  enable: boolean;
}

export type GrantScope = 'application' | 'host' | 'system';

const columnOf = ({ kind }: Grantee) => (kind === 'user' ? 'userId' : 'roleId');

/** Carries out changes and returns those that changed something. */
export async function changeGrants(
  tx: Kysely<Database>,
  grantee: Grantee,
  scope: GrantScope,
  changes: readonly GrantChange[],
): Promise<GrantChange[]> {
  const given = changes.filter((change) => change.enable);
  const taken = changes.filter((change) => !change.enable);
  const ids = { userId: null, roleId: null, [columnOf(grantee)]: grantee.id };
  const rows = given.map(({ objectId, permission }) => ({ ...ids, scope, objectId, permission }));
  const added = await fromParts(rows, (part) =>
    tx
      .insertInto('grants')
      .values(part)
      .onConflict((on) => on.doNothing())
      .returning(['objectId', 'permission'])
      .execute(),
  );
  const removed =
    taken.length === 0
      ? []
      : await tx
          .deleteFrom('grants')
          .where(columnOf(grantee), '=', grantee.id)
          .where('scope', '=', scope)
          .where(
            sql<boolean>`(object_id, permission) in (select * from unnest(
              ${taken.map((change) => change.objectId)}::bigint[], ${taken.map((change) => change.permission)}::text[]))`,
          )
          .returning(['objectId', 'permission'])
          .execute();
  return [...added.map((row) => ({ ...row, enable: true })), ...removed.map((row) => ({ ...row, enable: false }))];
}

/** Direct grants of a user or role on these objects, by object. */
export async function directGrants(
  db: Kysely<Database>,
  grantee: Grantee,
  scope: GrantScope,
  objectIds: readonly number[],
): Promise<Map<number, Set<string>>> {
  const rows = await db
    .selectFrom('grants')
    .where(columnOf(grantee), '=', grantee.id)
    .where('scope', '=', scope)
    .where('objectId', 'in', objectIds.length > 0 ? objectIds : [-1])
    .select(['objectId', 'permission'])
    .execute();
  return groupBy(rows.map(({ objectId, permission }) => [objectId, permission] as const));
}

/** Direct grants on one object of these users or roles, by grantee. */
export async function grantsOn(
  db: Kysely<Database>,
  kind: Grantee['kind'],
  scope: GrantScope,
  objectId: number,
  granteeIds: readonly number[],
): Promise<Map<number, Set<string>>> {
  const column = columnOf({ kind, id: 0 });
  const rows = await db
    .selectFrom('grants')
    .where('scope', '=', scope)
    .where('objectId', '=', objectId)
    .where(column, 'in', granteeIds.length > 0 ? granteeIds : [0])
    .select([sql<number>`${sql.ref(column)}`.as('granteeId'), 'permission'])
    .execute();
  return groupBy(rows.map(({ granteeId, permission }) => [granteeId, permission] as const));
}

function groupBy(pairs: readonly (readonly [number, string])[]): Map<number, Set<string>> {
  const groups = new Map<number, Set<string>>();
  for (const [id, permission] of pairs) groups.set(id, (groups.get(id) ?? new Set()).add(permission));
  return groups;
}
