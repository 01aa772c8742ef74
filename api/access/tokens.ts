import { z } from 'zod';
import { secretHash } from '../../db/access/credentials.ts';
import {
  countTokens,
  createToken,
  maxTokens,
  revokeTokens,
  selectTokens,
  type TokenRow,
} from '../../db/access/tokens.ts';
import { diff } from '../../db/audit/changes.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import { quote } from '../../db/audit/text.ts';
import { isUniqueViolation } from '../../db/core/errors.ts';
import { anywhere } from '../../db/core/ilike.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound, permission, requestedId, signedIn } from '../operations/permissions.ts';
import { actions, done, iso, moment, success, time } from '../operations/schemas.ts';
import { proof, proveOwn } from './reauthenticate.ts';
import { accessEntry } from './text.ts';
import { msg } from '../../kit/messages/message.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const token = z.object({
  id: z.int(),
  name: z.string(),
  value: z.string(),
  description: z.string(),
  creator: z.string(),
  created_time: time,
  last_used_time: time.nullable(),
  expires_time: time.nullable(),
  available_actions: actions('edit', 'delete'),
});

const name = z.string().trim().min(1).max(64);
const description = z.string().max(500);

/** A token in responses; its value appears only in the response to its creation. */
const present = (row: TokenRow, value = `****${row.lastFour}`): z.input<typeof token> => ({
  id: row.id,
  name: row.name,
  value,
  description: row.description,
  creator: row.username,
  created_time: iso(row.createdTime),
  last_used_time: iso(row.lastUsedTime),
  expires_time: iso(row.expiresTime),
  available_actions: { edit: true, delete: true },
});

/** The caller's own token; with the admin role any token. Others' are not found. */
const ownToken = permission({
  names: [],
  async check(request) {
    const { db, subject } = request.ctx;
    const found = await db
      .selectFrom('authTokens')
      .where('id', '=', requestedId(request, 'id'))
      .select('userId')
      .executeTakeFirst();
    if (!found || (found.userId !== subject.userId && !subject.isAdmin)) throw notFound();
  },
});

const find = (db: Ctx['db'], tokenId: number): Promise<TokenRow> =>
  selectTokens(db).where('authTokens.id', '=', tokenId).executeTakeFirstOrThrow(notFound);

const listTokens = list({
  path: '/auth-tokens/',
  id: 'listAuthTokens',
  area: 'access',
  summary: 'List auth tokens',
  description: 'Own tokens; those of all users for the admin role.',
  permission: signedIn,
  filter: z.object({
    name: z.string().optional(),
    description: z.string().optional(),
    value: z.string().optional(),
    creator: z.string().optional(),
  }),
  item: token,
  order: { oldest: 'authTokens.id' },
  query({ query }, { db, subject }) {
    let tokens = selectTokens(db);
    if (!subject.isAdmin) tokens = tokens.where('authTokens.userId', '=', subject.userId);
    if (query.name) tokens = tokens.where('authTokens.name', 'ilike', anywhere(query.name));
    if (query.description) tokens = tokens.where('authTokens.description', 'ilike', anywhere(query.description));
    if (query.value) tokens = tokens.where('authTokens.valueHash', '=', secretHash(query.value.toLowerCase()));
    if (query.creator) tokens = tokens.where('users.username', '=', query.creator);
    return tokens;
  },
  present: (rows) => rows.map((row) => present(row)),
});

const dayMs = 86_400_000;
const usualDays = 90;
const longestDays = 366;

/** When a new token expires: after 90 days by default, 366 at most; one created with a token cannot outlive that token. */
function expiryOf(wanted: Date | null, { actor, now }: Ctx): Date {
  const after = (days: number): Date => new Date(now().getTime() + days * dayMs);
  if (wanted && wanted <= now()) throw invalidField('expires_time', msg('must_be_in_the_future'));
  if (wanted && wanted > after(longestDays)) throw invalidField('expires_time', msg('at_most_a_year_ahead'));
  const limit = actor.tokenExpires;
  if (limit && wanted && wanted > limit)
    throw invalidField('expires_time', msg('must_not_be_after', { time: limit.toISOString() }));
  const usual = after(usualDays);
  return wanted ?? (limit && limit < usual ? limit : usual);
}

const nameTaken = (taken: string) => (error: unknown) => {
  throw isUniqueViolation(error) ? new Problem('name_taken', { name: taken }) : error;
};

const createAuthToken = change({
  method: 'post',
  path: '/auth-tokens/',
  id: 'createAuthToken',
  area: 'access',
  summary: 'Create an auth token',
  description:
    'Needs the password, or a code of the second factor. Without expires_time it expires after 90 days, at most ' +
    'after 366. Only this response has the whole value.',
  permission: signedIn,
  body: z.object({
    name,
    description: description.default(''),
    expires_time: moment.nullable().default(null),
    ...proof,
  }),
  returns: token,
  status: 201,
  secretAnswer: true,
  problems: ['too_many_tokens', 'name_taken', 'too_many_requests'],
  prepare: ({ body }, ctx) => proveOwn(ctx, body),
  async handle({ body }, ctx) {
    const userId = ctx.actor.user.id;
    const expiresTime = expiryOf(body.expires_time, ctx);
    if ((await countTokens(ctx.tx, userId)) >= maxTokens) throw new Problem('too_many_tokens', { n: maxTokens });
    const wanted = { userId, name: body.name, description: body.description, expiresTime };
    const made = await createToken(ctx.tx, wanted).catch(nameTaken(body.name));
    const shown = auditText('token_created', { name: quote(body.name) });
    const changes = diff(null, { name: body.name, description: body.description, expires_time: expiresTime });
    ctx.audit(accessEntry('create', 'token', { id: made.id, name: body.name }, shown, changes));
    return present(await find(ctx.tx, made.id), made.value);
  },
});

const getAuthToken = endpoint({
  method: 'get',
  path: '/auth-tokens/{id}/',
  id: 'getAuthToken',
  area: 'access',
  summary: 'One auth token',
  permission: ownToken,
  returns: token,
  handle: async ({ params }, { db }) => present(await find(db, params.id)),
});

const changeAuthToken = change({
  method: 'patch',
  path: '/auth-tokens/{id}/',
  id: 'changeAuthToken',
  area: 'access',
  summary: 'Change an auth token',
  permission: ownToken,
  body: z.object({ name: name.optional(), description: description.optional() }),
  returns: token,
  problems: ['name_taken'],
  async handle({ params, body }, ctx) {
    const before = await find(ctx.tx, params.id);
    const after = { name: body.name ?? before.name, description: body.description ?? before.description };
    await ctx.tx
      .updateTable('authTokens')
      .set(after)
      .where('id', '=', params.id)
      .execute()
      .catch(nameTaken(after.name));
    const changes = diff({ name: before.name, description: before.description }, after);
    const shown = auditText('token_changed', { name: quote(after.name) });
    if (changes) ctx.audit(accessEntry('update', 'token', { id: params.id, name: after.name }, shown, changes));
    return present({ ...before, ...after });
  },
});

/** The audit record of a deleted token. */
function auditTokenDeleted({ id: tokenId, name: called, description: about }: DeletedToken): AuditEntry {
  const shown = auditText('token_deleted', { name: quote(called) });
  const changes = diff({ name: called, description: about }, null);
  return accessEntry('delete', 'token', { id: tokenId, name: called }, shown, changes);
}

/** Deletes a user's tokens, except optionally one, with audit records. */
export async function auditedRevocation(ctx: ChangeCtx, userId: number, except: number | null = null): Promise<void> {
  for (const token of await revokeTokens(ctx.tx, userId, except)) ctx.audit(auditTokenDeleted(token));
}

type DeletedToken = Pick<TokenRow, 'id' | 'name' | 'description'>;

const deleteAuthToken = change({
  method: 'delete',
  path: '/auth-tokens/{id}/',
  id: 'deleteAuthToken',
  area: 'access',
  summary: 'Delete an auth token',
  permission: ownToken,
  returns: success,
  async handle({ params }, ctx) {
    const before = await find(ctx.tx, params.id);
    await ctx.tx.deleteFrom('authTokens').where('id', '=', params.id).execute();
    ctx.audit(auditTokenDeleted(before));
    return done;
  },
});

export const tokenEndpoints = [listTokens, createAuthToken, getAuthToken, changeAuthToken, deleteAuthToken];
