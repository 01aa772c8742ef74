// Requests for hosts: machines with these names, and who may log in to them.
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { Problem } from '../../workflows/problems/problem.ts';
import type { ResourcePlan } from '../../workflows/requests/contract.ts';
import type { Database } from '../database.ts';
import { resourceRules } from './kind.ts';
import type { RowOf } from './kind.ts';

type HostRequestRow = RowOf<'hostRequests'>;

export const hostRequests = resourceRules<HostRequestRow>({
  kind: 'host_request',
  name: 'hostRequests',
  title: 'host request',
  about: ({ hosts }) => hosts.map(({ name }) => name).join(', '),
  claims: ({ hosts }) => hosts.map(({ name }) => name.toLowerCase()),
  demandPossible: demandFreeNames,
  compose,
});

/** A name is a way to a machine: neither a host's nor a minion's may be asked for. */
async function demandFreeNames(db: Kysely<Database>, { hosts }: HostRequestRow): Promise<void> {
  const names = hosts.map(({ name }) => name.toLowerCase());
  const taken = await db
    .selectFrom('hosts')
    .select(['name', 'minionId'])
    .where('deletedTime', 'is', null)
    .where(({ or, eb }) => or([eb(sql`lower(name)`, 'in', names), eb(sql`lower(minion_id)`, 'in', names)]))
    .limit(1)
    .executeTakeFirst();
  if (!taken) return;
  const { name, minionId } = taken;
  throw new Problem('name_taken', { name: names.includes(name.toLowerCase()) ? name : (minionId ?? name) });
}

/** Types without a provider that could make them. */
const byHand = ['PHY_HOST'];

async function compose(db: Kysely<Database>, row: HostRequestRow): Promise<ResourcePlan> {
  const users = await db
    .selectFrom('users')
    .select(['id', 'username'])
    .where('id', 'in', [0, ...row.loginUsers])
    .orderBy('id')
    .execute();
  const found = await db
    .selectFrom('shippedPackages')
    .select(['id', 'name', 'version', 'source', 'sha256'])
    .where('id', 'in', [0, ...row.packages])
    .execute();
  return {
    hosts: row.hosts.map((host) => ({ ...host, by_hand: byHand.includes(host.type) })),
    packages: row.packages.map((id) => {
      const one = found.find((other) => other.id === id);
      if (!one) throw new Problem('no_such', { thing: 'shipped package', id });
      return { ...one, unread: one.sha256 === null };
    }),
    users_with_login_perm: users,
    expiration_days: row.expirationDays,
  };
}
