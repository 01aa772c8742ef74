import { z } from 'zod';
import { hostRequests } from '../../db/requests/hosts.ts';
import { hostTypes } from '../../workflows/hosts/contract.ts';
import { msg } from '../../kit/messages/message.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { hostName } from '../hosts/fields.ts';
import type { Ctx } from '../operations/context.ts';
import { issue } from '../operations/issue.ts';
import { days, demandAll, ids, text } from './fields.ts';
import { resourceOperations } from './resource.ts';

const specs = z.strictObject({
  cpu_core: z.int().min(1).max(512),
  mem: z.int().min(128).max(16_777_216).describe('MB'),
  storage: z.int().min(1024).max(1_073_741_824).describe('MB'),
});

/** The documented API has the sizes beside the name too, and `cpu_cores` for `cpu_core`. */
function nested(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || 'specs' in value) return value;
  const { cpu_core: cores, cpu_cores: alias, mem, storage, ...rest } = value as Record<string, unknown>;
  return { ...rest, specs: { cpu_core: cores ?? alias, mem, storage } };
}

const requestedHost = z.preprocess(
  nested,
  z.strictObject({ name: hostName, specs, os: text(64).min(1), type: z.enum(hostTypes) }),
);

const isNamedOnce = (hosts: readonly { name: string }[]): boolean =>
  new Set(hosts.map(({ name }) => name.toLowerCase())).size === hosts.length;

const never = z.literal('never').transform(() => null);

const fields = z.strictObject({
  purpose: text(2000).min(1),
  expect_delivery_days: days(365).default(7),
  expiration: z.union([never, days(3650)]).optional(),
  expiration_type: z.enum(['INFINITE', 'FINITE']).optional(),
  expiration_days: days(3650).nullable().optional(),
  users_with_login_perm: ids(100).default([]),
  shipped_packages: ids(50).default([]),
  requested_hosts: z.array(requestedHost).min(1).max(50).refine(isNamedOnce, issue('names_a_host_twice')),
});
type Given = Partial<z.output<typeof fields>>;

/** One setting in two spellings; null: never; undefined: not given. */
function expirationOf(given: Given): number | null | undefined {
  const { expiration, expiration_type: type, expiration_days: inDays } = given;
  if (type === 'FINITE' && inDays == null) throw invalidField('expiration_days', msg('is_needed_with_finite'));
  const spelt = type === undefined && inDays === undefined ? undefined : type === 'INFINITE' ? null : inDays;
  const contradicts =
    (type === 'INFINITE' && inDays != null) ||
    (spelt !== undefined && expiration !== undefined && spelt !== expiration);
  if (contradicts) throw invalidField('expiration', msg('contradicts_expiration'));
  return spelt === undefined ? expiration : spelt;
}

async function columns({ db }: Ctx, given: Given) {
  const { users_with_login_perm: users, shipped_packages: packages } = given;
  const among = (wanted: readonly number[] = []) => [0, ...wanted];
  const enabled = db.selectFrom('users').select('id').where('status', '=', 'enabled');
  const people = await enabled.where('id', 'in', among(users)).execute();
  demandAll('users_with_login_perm', 'user', users ?? [], new Set(people.map(({ id }) => id)));
  const shipped = await db.selectFrom('shippedPackages').select('id').where('id', 'in', among(packages)).execute();
  demandAll('shipped_packages', 'shipped package', packages ?? [], new Set(shipped.map(({ id }) => id)));
  const expirationDays = expirationOf(given);
  return {
    ...(given.purpose !== undefined && { purpose: given.purpose }),
    ...(given.expect_delivery_days !== undefined && { expectDeliveryDays: given.expect_delivery_days }),
    ...(expirationDays !== undefined && { expirationDays }),
    ...(users && { loginUsers: users }),
    ...(packages && { packages }),
    ...(given.requested_hosts && { hosts: given.requested_hosts }),
  };
}

const named = z.object({ id: z.int(), name: z.string() });
const person = z.object({ id: z.int(), username: z.string() });

export const hostRequestEndpoints = resourceOperations({
  rules: hostRequests,
  path: '/resource-request/hosts',
  name: 'HostRequest',
  fields,
  columns,
  filter: z.object({}),
  conditions: () => [],
  shown: {
    expect_delivery_days: z.string(),
    expiration: z.string(),
    expiration_type: z.enum(['INFINITE', 'FINITE']),
    expiration_days: z.int().nullable(),
    users_with_login_perm: z.array(person),
    shipped_packages: z.array(named),
    requested_hosts: z.array(z.object({ name: z.string(), specs, os: z.string(), type: z.enum(hostTypes) })),
  },
  async show({ db }, rows) {
    const ofUsers = [0, ...rows.flatMap(({ loginUsers }) => loginUsers)];
    const ofPackages = [0, ...rows.flatMap(({ packages }) => packages)];
    const [users, packages] = await Promise.all([
      db.selectFrom('users').select(['id', 'username']).where('id', 'in', ofUsers).orderBy('id').execute(),
      db.selectFrom('shippedPackages').select(['id', 'name']).where('id', 'in', ofPackages).execute(),
    ]);
    return new Map(
      rows.map((row) => [
        row.id,
        {
          expect_delivery_days: String(row.expectDeliveryDays),
          expiration: row.expirationDays === null ? 'never' : String(row.expirationDays),
          expiration_type: row.expirationDays === null ? ('INFINITE' as const) : ('FINITE' as const),
          expiration_days: row.expirationDays,
          users_with_login_perm: users.filter(({ id }) => row.loginUsers.includes(id)),
          shipped_packages: row.packages.flatMap((id) => packages.filter((one) => one.id === id)),
          requested_hosts: row.hosts,
        },
      ]),
    );
  },
});
