// Shipped packages, installed by an initialisation. A source with a user or password in it is rejected: it would be shown to
// everyone who may view the package.
import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import { quote } from '../../db/audit/text.ts';
import { taskInstalling } from '../../db/hosts/packages.ts';
import { packageTypes } from '../../db/hosts/tables.ts';
import type { ShippedPackageRow } from '../../db/hosts/tables.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { anyOf, notFound, system } from '../operations/permissions.ts';
import { atLeastOne, done, iso, success, time } from '../operations/schemas.ts';
import { unlessTaken } from '../operations/unique-names.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const area = 'hosts';
const path = '/resource-request/shipped-packages/';

/** A URL without credentials, or an absolute path without parent segments. */
function isSource(text: string): boolean {
  if (text.startsWith('/')) return !text.split('/').includes('..');
  if (!/^(?:salt|https?):\/\/[^\s]+$/.test(text)) return false;
  if (text.startsWith('salt://')) return !text.includes('@');
  const { username, password, hostname } = new URL(text);
  return username === '' && password === '' && hostname !== '';
}

const readable = (text: string): boolean => {
  try {
    return isSource(text);
  } catch {
    return false;
  }
};

const fields = z.object({
  name: z
    .string()
    .max(64)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, issue('must_be_a_package_name')),
  type: z.enum(packageTypes),
  maintainer: z.string().max(128),
  description: z.string().max(2000),
  version: z.string().max(64),
  source: z.string().min(1).max(1000).refine(readable, issue('must_be_a_package_source')),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, issue('must_be_sha256'))
    .transform((text) => text.toLowerCase())
    .nullable(),
});
const creation = fields.partial().required({ name: true, type: true, source: true });

const packageObject = z.object({
  id: z.int(),
  name: z.string(),
  type: z.enum(packageTypes),
  maintainer: z.string(),
  description: z.string(),
  version: z.string(),
  source: z.string(),
  sha256: z.string().nullable(),
  created_time: time,
  update_time: time,
});

const present = ({ createdTime, updateTime, ...row }: ShippedPackageRow): z.input<typeof packageObject> => ({
  ...row,
  created_time: iso(createdTime),
  update_time: iso(updateTime),
});

/** A package fetched over an insecure transport needs a checksum. */
function refuseUnchecked({ source, sha256 }: Pick<ShippedPackageRow, 'source' | 'sha256'>): void {
  if (source.startsWith('http://') && sha256 === null) throw invalidField('sha256', msg('is_needed_with_http'));
}

const taken = ({ name, version }: Pick<ShippedPackageRow, 'name' | 'version'>): Problem =>
  new Problem('package_taken', { name, version });

const records = { add: 'package_added', update: 'package_changed', delete: 'package_deleted' } as const;

function entry(
  opType: keyof typeof records,
  { id, name, version }: ShippedPackageRow,
  changes: AuditEntry['changes'] = null,
): AuditEntry {
  const label = quote(version === '' ? name : `${name} ${version}`);
  return {
    view: 'operations',
    area,
    opType,
    targetType: 'shipped_package',
    targetId: id,
    targetName: name,
    changes,
    detail: auditText(records[opType], { name: label }),
  };
}

const reader = anyOf(system('create_resource_req'), system('approve_host_req'));
const writer = system('approve_host_req');

async function locked({ tx }: ChangeCtx, id: number): Promise<ShippedPackageRow> {
  const row = await tx.selectFrom('shippedPackages').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

const listPackages = list({
  path,
  id: 'listShippedPackages',
  area,
  summary: 'List shipped packages',
  permission: reader,
  filter: z.object({
    name: z.string().max(64).optional(),
    type: z.enum(packageTypes).optional(),
    maintainer: z.string().max(128).optional(),
  }),
  item: packageObject,
  query: ({ query: { name, type, maintainer } }, { db }) =>
    db
      .selectFrom('shippedPackages')
      .selectAll()
      .$if(name !== undefined, (q) => q.where('name', 'ilike', anywhere(name ?? '')))
      .$if(maintainer !== undefined, (q) => q.where('maintainer', 'ilike', anywhere(maintainer ?? '')))
      .$if(type !== undefined, (q) => q.where('type', '=', type ?? 'zip')),
  present: (rows) => rows.map(present),
});

const getPackage = endpoint({
  method: 'get',
  path: `${path}{id}/`,
  id: 'getShippedPackage',
  area,
  summary: 'Get a shipped package',
  permission: reader,
  returns: packageObject,
  async handle({ params }, { db }) {
    const row = await db.selectFrom('shippedPackages').selectAll().where('id', '=', params.id).executeTakeFirst();
    if (!row) throw notFound();
    return present(row);
  },
});

const createPackage = change({
  method: 'post',
  path,
  id: 'createShippedPackage',
  area,
  summary: 'Add a shipped package',
  permission: writer,
  body: creation,
  returns: packageObject,
  status: 201,
  problems: ['package_taken'],
  async handle({ body }, ctx) {
    const { name, type, source, sha256 = null, version = '', description = '' } = body;
    const maintainer = body.maintainer ?? ctx.actor.user.username;
    refuseUnchecked({ source, sha256 });
    const now = ctx.now();
    const values = { name, type, source, sha256, version, description, maintainer, createdTime: now, updateTime: now };
    const insertion = ctx.tx.insertInto('shippedPackages').values(values).returningAll().executeTakeFirstOrThrow();
    const row = await unlessTaken(insertion, 'shipped_packages_name', taken(values));
    ctx.audit(entry('add', row, diff(null, present(row))));
    return present(row);
  },
});

const changePackage = change({
  method: 'patch',
  path: `${path}{id}/`,
  id: 'changeShippedPackage',
  area,
  summary: 'Change a shipped package',
  permission: writer,
  body: atLeastOne(fields.partial()),
  returns: packageObject,
  problems: ['package_taken'],
  async handle({ params, body }, ctx) {
    const before = await locked(ctx, params.id);
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
    const after: ShippedPackageRow = { ...before, ...given, updateTime: ctx.now() };
    refuseUnchecked(after);
    const { id, ...set } = after;
    const update = ctx.tx.updateTable('shippedPackages').set(set).where('id', '=', id).execute();
    await unlessTaken(update, 'shipped_packages_name', taken(after));
    const timeless = ({ update_time: _time, ...shown }: ReturnType<typeof present>) => shown;
    const changes = diff(timeless(present(before)), timeless(present(after)));
    if (changes) ctx.audit(entry('update', after, changes));
    return present(after);
  },
});

const deletePackage = change({
  method: 'delete',
  path: `${path}{id}/`,
  id: 'deleteShippedPackage',
  area,
  summary: 'Delete a shipped package',
  permission: writer,
  returns: success,
  problems: ['package_used'],
  async handle({ params }, ctx) {
    const row = await locked(ctx, params.id);
    const taskId = await taskInstalling(ctx.tx, row.id);
    if (taskId !== undefined) throw new Problem('package_used', { what: `task ${taskId}` });
    await ctx.tx.deleteFrom('shippedPackages').where('id', '=', row.id).execute();
    ctx.audit(entry('delete', row));
    return done;
  },
});

export const packageEndpoints = [listPackages, createPackage, getPackage, changePackage, deletePackage];
