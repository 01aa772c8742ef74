import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import { credentialPurpose, repositoriesUsing, selectCredentials } from '../../db/deploy/credentials.ts';
import type { RepositoryCredentialRow } from '../../db/deploy/tables.ts';
import { json } from '../../db/core/jsonb.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { masked } from '../operations/secret-placeholder.ts';
import { notFound, permission, requestedId } from '../operations/permissions.ts';
import { atLeastOne, done, success } from '../operations/schemas.ts';
import { operationEntry } from './operation-entry.ts';
import { passwordSecret, privateKeySecret, userName } from './repository-fields.ts';
import { factsOf } from './ssh-key.ts';
import { templateUser } from './template-user.ts';
import { msg } from '../../kit/messages/message.ts';

const area = 'deploy';

interface Fields {
  name?: string | undefined;
  username?: string | undefined;
  secret?: string | undefined;
}

/** The differences between the two kinds of credentials. */
interface Kind {
  type: RepositoryCredentialRow['type'];
  segment: 'password' | 'ssh-private-key';
  /** In summaries, with the article. */
  label: string;
  id: string;
  secretField: 'password' | 'private_key';
}

const own = (ctx: Ctx | ChangeCtx, { type }: Kind, id: number) =>
  selectCredentials('tx' in ctx ? ctx.tx : ctx.db, ctx.actor.user.id, type).where('id', '=', id);

/** The caller's own credential; others' are a 404, for administrators too. */
const ownCredential = (kind: Kind) =>
  permission({
    names: templateUser.names,
    async check(request) {
      await templateUser.check(request);
      const row = await own(request.ctx, kind, requestedId(request, 'id')).executeTakeFirst();
      if (!row) throw notFound();
    },
  });

async function locked(ctx: ChangeCtx, kind: Kind, id: number): Promise<RepositoryCredentialRow> {
  const row = await own(ctx, kind, id).forUpdate().executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

/** The columns derived from a secret. */
function sealed(ctx: ChangeCtx, { type, secretField }: Kind, id: number, secret: string) {
  const facts = type === 'PASSWORD' ? { fingerprint: null, publicKey: null } : factsOf(secret, secretField);
  return { secret: json(ctx.secrets.seal(credentialPurpose(id), secret)), ...facts };
}

async function create(ctx: ChangeCtx, kind: Kind, { name, username = 'git', secret = '' }: Fields) {
  if (secret === masked) throw invalidField(kind.secretField, msg('must_be_the_secret'));
  const { id: userId } = ctx.actor.user;
  const row = { userId, type: kind.type, username, name: name ?? username.slice(0, 64), secret: json({}) };
  const { id } = await ctx.tx.insertInto('repositoryCredentials').values(row).returning('id').executeTakeFirstOrThrow();
  const made = await ctx.tx
    .updateTable('repositoryCredentials')
    .set(sealed(ctx, kind, id, secret))
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  ctx.audit(operationEntry('create', 'credential', made, diff(null, { ...made, secret: masked, userId: undefined })));
  return made;
}

async function update(ctx: ChangeCtx, kind: Kind, id: number, { name, username, secret }: Fields) {
  const before = await locked(ctx, kind, id);
  const isNew = secret !== undefined && secret !== masked;
  const after = await ctx.tx
    .updateTable('repositoryCredentials')
    .set({
      name: name ?? before.name,
      username: username ?? before.username,
      ...(isNew && sealed(ctx, kind, id, secret)),
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
  const shown = { name: after.name, username: after.username, fingerprint: after.fingerprint };
  const changed = {
    ...diff(before, shown),
    ...(isNew && { [kind.secretField]: [masked, masked] as [string, string] }),
  };
  if (Object.keys(changed).length > 0) ctx.audit(operationEntry('update', 'credential', after, changed));
  return after;
}

async function remove(ctx: ChangeCtx, kind: Kind, id: number) {
  const row = await locked(ctx, kind, id);
  const n = await repositoriesUsing(ctx.tx, id);
  if (n > 0) throw new Problem('credential_used', { n });
  await ctx.tx.deleteFrom('repositoryCredentials').where('id', '=', id).execute();
  ctx.audit(operationEntry('delete', 'credential', row));
  return done;
}

const name = z.string().min(1).max(64);

interface Schemas<Item extends z.ZodType> {
  item: Item;
  creation: z.ZodType<Fields>;
  changes: z.ZodType<Fields>;
  present(row: RepositoryCredentialRow): z.input<Item>;
}

/** The five operations of a kind of credentials. */
const operations = <Item extends z.ZodType>(kind: Kind, schemas: Schemas<Item>) => [
  ...collection(kind, schemas),
  ...single(kind, schemas),
];

function collection<Item extends z.ZodType>(kind: Kind, { item, creation, present }: Schemas<Item>) {
  const { segment, label, id: suffix, type } = kind;
  const path = `/application/repository-credentials/${segment}/` as const;
  return [
    list({
      path,
      id: `list${suffix}s`,
      area,
      summary: `List your own ${segment} credentials`,
      item,
      permission: templateUser,
      filter: z.object({ name: z.string().max(64).optional(), username: z.string().max(128).optional() }),
      query: ({ query: filter }, ctx) =>
        selectCredentials(ctx.db, ctx.actor.user.id, type)
          .$if(filter.name !== undefined, (q) => q.where('name', 'ilike', anywhere(filter.name ?? '')))
          .$if(filter.username !== undefined, (q) => q.where('username', 'ilike', anywhere(filter.username ?? ''))),
      present: (rows) => rows.map(present),
    }),
    change({
      method: 'post',
      path,
      id: `create${suffix}`,
      area,
      summary: `Create ${label}`,
      permission: templateUser,
      body: creation,
      returns: item,
      status: 201,
      handle: async ({ body }, ctx) => present(await create(ctx, kind, body)),
    }),
  ];
}

function single<Item extends z.ZodType>(kind: Kind, { item, changes, present }: Schemas<Item>) {
  const { segment, label, id: suffix } = kind;
  const path = `/application/repository-credentials/${segment}/{id}/` as const;
  const ofOwn = { permission: ownCredential(kind) };
  return [
    endpoint({
      method: 'get',
      path,
      id: `get${suffix}`,
      area,
      summary: `Get ${label}`,
      ...ofOwn,
      returns: item,
      async handle({ params }, ctx) {
        const row = await own(ctx, kind, params.id).executeTakeFirst();
        if (!row) throw notFound();
        return present(row);
      },
    }),
    change({
      method: 'patch',
      path,
      id: `change${suffix}`,
      area,
      summary: `Change ${label}`,
      ...ofOwn,
      body: changes,
      returns: item,
      handle: async ({ params, body }, ctx) => present(await update(ctx, kind, params.id, body)),
    }),
    change({
      method: 'delete',
      path,
      id: `delete${suffix}`,
      area,
      summary: `Delete ${label}`,
      ...ofOwn,
      returns: success,
      problems: ['credential_used'],
      handle: ({ params }, ctx) => remove(ctx, kind, params.id),
    }),
  ];
}

const common = { id: z.int(), name: z.string(), username: z.string() };
const shown = (row: RepositoryCredentialRow) => ({ id: row.id, name: row.name, username: row.username });

const passwordType = z.literal('PASSWORD');
const passwords = operations(
  {
    type: 'PASSWORD',
    segment: 'password',
    label: 'a password credential',
    id: 'PasswordCredential',
    secretField: 'password',
  },
  {
    item: z.object({ ...common, type: passwordType, password: z.literal(masked) }),
    creation: z
      .object({ name: name.optional(), type: passwordType.optional(), username: userName, password: passwordSecret })
      .transform(({ password: secret, ...rest }) => ({ ...rest, secret })),
    changes: atLeastOne(
      z.object({ name, type: passwordType, username: userName, password: passwordSecret }).partial(),
    ).transform(({ password: secret, ...rest }) => ({ ...rest, secret })),
    present: (row) => ({ ...shown(row), type: 'PASSWORD' as const, password: masked }),
  },
);

const keyType = z.literal('SSH_PRIVATE_KEY');
const keys = operations(
  {
    type: 'SSH_PRIVATE_KEY',
    segment: 'ssh-private-key',
    label: 'an SSH private key credential',
    id: 'SshKeyCredential',
    secretField: 'private_key',
  },
  {
    item: z.object({
      ...common,
      type: keyType,
      private_key: z.literal(masked),
      fingerprint: z.string(),
      public_key: z.string(),
    }),
    creation: z
      .object({
        name: name.optional(),
        type: keyType.optional(),
        username: userName.default('git'),
        private_key: privateKeySecret,
      })
      .transform(({ private_key: secret, ...rest }) => ({ ...rest, secret })),
    changes: atLeastOne(
      z.object({ name, type: keyType, username: userName, private_key: privateKeySecret }).partial(),
    ).transform(({ private_key: secret, ...rest }) => ({ ...rest, secret })),
    present: (row) => ({
      ...shown(row),
      type: 'SSH_PRIVATE_KEY' as const,
      private_key: masked,
      fingerprint: row.fingerprint ?? '',
      public_key: row.publicKey ?? '',
    }),
  },
);

export const credentialEndpoints = [...passwords, ...keys];
