import { z } from 'zod';
import { hashPassword, weaknessOf } from '../../db/access/passwords.ts';
import { findUser, selectUsers, type UserRow } from '../../db/access/users.ts';
import { holds } from '../../db/access/rights.ts';
import { diff } from '../../db/audit/changes.ts';
import { quote } from '../../db/audit/text.ts';
import { isUniqueViolation } from '../../db/core/errors.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { mailPasswordLink } from '../background/mail/password-links.ts';
import {
  anyOf,
  demandSystem,
  notAllowed,
  notFound,
  permission,
  requestedId,
  signedIn,
  system,
} from '../operations/permissions.ts';
import { id, idEntry } from '../operations/schemas.ts';
import { beginEmailChange, demandWorth } from './email.ts';
import { isGiven, proof, proveOwn } from './reauthenticate.ts';
import { assignRoles } from './role-assignment.ts';
import { accessEntry } from './text.ts';
import { mayManage, presentUser, userObject, userReference } from './user-object.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Requires the caller to be the user in the path. */
export const self = permission({
  names: ['self'],
  check: (request) =>
    Promise.resolve().then(() => {
      if (requestedId(request, 'id') !== request.ctx.actor.user.id) throw notAllowed('self');
    }),
});

const listUsers = list({
  path: '/users/',
  id: 'listUsers',
  area: 'access',
  summary: 'List users',
  description: 'Without view_user: id, username and name only.',
  permission: signedIn,
  filter: z.object({
    username: z.string().optional(),
    name: z.string().optional(),
    email: z.string().optional(),
    phone: z.string().optional(),
    status: z.enum(['enabled', 'disabled']).optional(),
    role: id.optional(),
  }),
  item: z.union([userObject, userReference]),
  query({ query }, ctx) {
    let users = selectUsers(ctx.db);
    for (const field of ['username', 'name', 'email', 'phone'] as const)
      if (query[field]) users = users.where(`users.${field}`, 'ilike', anywhere(query[field]));
    if (query.status) users = users.where('users.status', '=', query.status);
    const { role } = query;
    if (role !== undefined)
      users = users.where('users.id', 'in', (eb) =>
        eb.selectFrom('userRoles').where('roleId', '=', role).select('userId'),
      );
    return users;
  },
  order: { oldest: 'users.id' },
  present: (rows, ctx) =>
    holds(ctx.subject, 'view_user')
      ? rows.map((row) => presentUser(row, ctx))
      : rows.map((row) => ({ id: row.id, username: row.username, name: row.name })),
});

const email = z.email().max(254);
const phone = z
  .string()
  .regex(/^\+?\d{5,20}$/, issue('must_be_a_phone_number'))
  .or(z.literal(''));
const displayName = z.string().trim().min(1).max(64);

const taken = (error: unknown): never => {
  throw isUniqueViolation(error) ? new Problem('exists') : error;
};

/** Throws unless a password is acceptable for this user; `field` is the input's. */
export function demandStrong(
  { config }: Pick<Ctx, 'config'>,
  field: string,
  password: string,
  { username, email }: { username: string; email: string },
): void {
  const weakness = weaknessOf(password, { username, email, words: config.passwordWords });
  if (weakness !== undefined) throw new Problem('weak_password', {}, [{ field, message: msg(weakness) }]);
}

const createUser = change({
  method: 'post',
  path: '/users/',
  id: 'createUser',
  area: 'access',
  summary: 'Create a user',
  description: 'Without a password an invitation is mailed: a link to set one, for 72 hours.',
  permission: system('manage_user'),
  body: z.object({
    username: z
      .string()
      .toLowerCase()
      .regex(/^[a-z][a-z0-9._-]{1,63}$/, issue('must_be_a_username')),
    email,
    name: displayName.optional(),
    phone: phone.default(''),
    password: z.string().optional(),
    roles: z
      .array(z.union([idEntry, id.transform((one) => ({ id: one }))]))
      .max(100)
      .default([]),
  }),
  returns: userObject,
  status: 201,
  problems: ['exists', 'weak_password', 'no_right_to_grant', 'no_such'],
  prepare: async ({ body: { password } }) => (password === undefined ? null : await hashPassword(password)),
  async handle({ body: { password, roles, ...rest } }, ctx, passwordHash) {
    if (password !== undefined) demandStrong(ctx, 'password', password, rest);
    const user = { ...rest, name: rest.name ?? rest.username };
    const made = await ctx.tx
      .insertInto('users')
      .values({ ...user, passwordHash, lastLoginTime: null, createdTime: ctx.now() })
      .returning('id')
      .executeTakeFirstOrThrow()
      .catch(taken);
    const detail = auditText('user_created', { name: user.username });
    ctx.audit(accessEntry('create', 'user', { id: made.id, name: user.username }, detail, diff(null, user)));
    if (passwordHash === null)
      await mailPasswordLink(ctx.tx, ctx.config, {
        kind: 'invitation',
        userId: made.id,
        email: user.email,
        language: ctx.language,
        time: ctx.now().toISOString(),
      });
    if (roles.length > 0) {
      demandSystem(ctx, 'manage_role');
      await assignRoles(
        ctx,
        made.id,
        roles.map((role) => role.id),
      );
    }
    return presentUser(await mustFind(ctx.tx, made.id), ctx);
  },
});

/** A user by id; throws if missing. */
export async function mustFind(db: Ctx['db'], userId: number): Promise<UserRow> {
  const user = await findUser(db, userId);
  if (!user) throw notFound();
  return user;
}

const getUser = endpoint({
  method: 'get',
  path: '/users/{id}/',
  id: 'getUser',
  area: 'access',
  summary: 'One user',
  permission: anyOf(self, system('view_user')),
  returns: userObject,
  handle: async ({ params }, ctx) => presentUser(await mustFind(ctx.db, params.id), ctx),
});

/** Throws unless this caller may administer this user. */
export function demandManage(ctx: Ctx, user: UserRow): void {
  if (!mayManage(ctx.subject, user)) throw notAllowed(user.isAdmin ? 'admin' : 'manage_user');
}

const changeUser = change({
  method: 'patch',
  path: '/users/{id}/',
  id: 'changeUser',
  area: 'access',
  summary: 'Change a user',
  description:
    "Changing your own email needs the password or a code; changing someone else's requires that you hold at least as much as they do. With a mail " +
    'server it counts when it is confirmed by the link that is mailed to it (`pending_email` until then), and the old address is notified.',
  permission: anyOf(self, system('manage_user')),
  body: z.object({
    email: email.optional(),
    phone: phone.optional(),
    name: displayName.optional(),
    ...proof,
  }),
  returns: userObject.extend({ pending_email: z.string().optional() }),
  problems: ['exists', 'too_many_requests'],
  prepare: async ({ params, body }, ctx) =>
    params.id === ctx.actor.user.id && isGiven(body) ? proveOwn(ctx, body) : undefined,
  async handle({ params, body: { password: _password, code: _code, ...wanted } }, ctx, proven) {
    const before = await mustFind(ctx.tx, params.id);
    const isSelf = before.id === ctx.actor.user.id;
    if (!isSelf) demandManage(ctx, before);
    const after = { email: before.email, phone: before.phone, name: before.name, ...defined(wanted) };
    const wished = after.email;
    if (wished !== before.email) {
      if (!isSelf) await demandWorth(ctx, before.id);
      else if (!proven) throw invalidField('password', msg('is_needed_for_a_new_email'));
    }
    if (ctx.config.smtpUrl !== undefined && wanted.email !== undefined) {
      await beginEmailChange(ctx, before, wished);
      after.email = before.email;
    }
    await ctx.tx.updateTable('users').set(after).where('id', '=', before.id).execute().catch(taken);
    const changes = diff({ email: before.email, phone: before.phone, name: before.name }, after);
    const detail = auditText('user_changed', { name: quote(before.username) });
    if (changes) ctx.audit(accessEntry('update', 'user', { id: before.id, name: before.username }, detail, changes));
    return { ...presentUser({ ...before, ...after }, ctx), ...(wished !== after.email && { pending_email: wished }) };
  },
});

const defined = <T extends object>(object: T) =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

export const userEndpoints = [listUsers, createUser, getUser, changeUser];
