import { z } from 'zod';
import { diff } from '../../db/audit/changes.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import type { AuditChanges } from '../../db/audit/tables.ts';
import { quote } from '../../db/audit/text.ts';
import { freezesFor, inForce, namedFreezes, touching } from '../../db/deploy/freezes.ts';
import type { NamedFreeze } from '../../db/deploy/freezes.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound, signedIn } from '../operations/permissions.ts';
import { asker, demandProduction } from '../productions/rights.ts';
import { atLeastOne, done, flag, id, iso, moment, success, time } from '../operations/schemas.ts';
import { changesFreeze, makesFreeze, seesFreeze } from './freeze-access.ts';
import { reconsider } from './reconsider.ts';
import { msg } from '../../kit/messages/message.ts';
import { issue } from '../operations/issue.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const area = 'deploy';
const longestMs = 366 * 24 * 60 * 60 * 1000;

const freezeObject = z.object({
  id: z.int(),
  application: z.int().nullable(),
  production: z.int().nullable(),
  from: time,
  until: time,
  reason: z.string(),
  creator: z.string(),
  created_time: time,
  active: z.boolean(),
});

const present = (row: NamedFreeze, now: Date): z.input<typeof freezeObject> => ({
  id: row.id,
  application: row.applicationId,
  production: row.productionId,
  from: iso(row.fromTime),
  until: iso(row.untilTime),
  reason: row.reason,
  creator: row.creator,
  created_time: iso(row.createdTime),
  active: row.fromTime <= now && now < row.untilTime,
});

const reason = z
  .string()
  .min(1)
  .max(500)
  .refine((text) => text.trim() !== '', issue('must_not_be_blank'))
  .refine((text) => !text.includes('\0'), issue('must_not_contain_nul'));
const fields = z.strictObject({ from: moment, until: moment, reason });

function ensurePeriod({ fromTime, untilTime }: Pick<NamedFreeze, 'fromTime' | 'untilTime'>): void {
  if (fromTime >= untilTime) throw invalidField('until', msg('must_be_later_than_from'));
  const length = untilTime.getTime() - fromTime.getTime();
  if (length > longestMs) throw invalidField('until', msg('at_most_a_year_after_from'));
}

function entry(verb: 'created' | 'changed' | 'ended', row: NamedFreeze, changes: AuditChanges | null): AuditEntry {
  const over = row.fullName ?? row.productionName;
  const period = `${iso(row.fromTime)} – ${iso(row.untilTime)}`;
  const texts = Object.entries(changes ?? {}).map(
    ([field, [was, is]]) => `${field}: ${quote(JSON.stringify(was))} → ${quote(JSON.stringify(is))}`,
  );
  const more = verb === 'changed' ? texts.join('; ') : `${period}: ${quote(row.reason)}`;
  return {
    view: 'app',
    area,
    opType: 'change_deploy_setting',
    targetType: 'deploy_freeze',
    targetId: row.id,
    changes,
    targetName: over,
    detail: auditText(`freeze_${verb}`, {
      id: row.id,
      over: over === null ? auditText('everything') : quote(over),
      more,
    }),
  };
}

const recorded = (row: NamedFreeze): object => ({
  application: row.applicationId,
  production: row.productionId,
  from: row.fromTime,
  until: row.untilTime,
  reason: row.reason,
});

const listFreezes = list({
  path: '/application/deploy-freezes/',
  id: 'listDeployFreezes',
  area,
  summary: 'List deploy freezes',
  permission: signedIn,
  filter: z.object({ application: id.optional(), production: id.optional(), active: flag.optional() }),
  item: freezeObject,
  order: { oldest: 'deployFreezes.id' },
  query({ query: { application, production, active } }, ctx) {
    let found = freezesFor(ctx.db, asker(ctx));
    if (application !== undefined) found = found.where(touching(application));
    if (production !== undefined) found = found.where('deployFreezes.productionId', '=', production);
    const now = inForce(ctx.now());
    if (active !== undefined) found = found.where((eb) => (active ? now : eb.not(now)));
    return found;
  },
  present: (rows, ctx) => rows.map((row) => present(row, ctx.now())),
});

const createFreeze = change({
  method: 'post',
  path: '/application/deploy-freezes/',
  id: 'createDeployFreeze',
  area,
  summary: 'Create a deploy freeze',
  permission: makesFreeze,
  body: fields.extend({ application: id.nullish(), production: id.nullish() }),
  returns: freezeObject,
  status: 201,
  problems: ['no_such'],
  async handle({ body }, ctx) {
    const [applicationId, productionId] = [body.application ?? null, body.production ?? null];
    if (applicationId !== null && productionId !== null)
      throw invalidField('production', msg('must_not_be_given_with', { other: 'application' }));
    if (productionId !== null) await demandProduction(ctx, 'view', productionId, 'production');
    const values = {
      applicationId,
      productionId,
      fromTime: body.from,
      untilTime: body.until,
      reason: body.reason,
      creator: ctx.actor.user.username,
    };
    ensurePeriod(values);
    const inserted = await ctx.tx.insertInto('deployFreezes').values(values).returning('id').executeTakeFirstOrThrow();
    const made = await freezeOf(ctx.tx, inserted.id);
    ctx.audit(entry('created', made, diff(null, recorded(made))));
    await reconsider(ctx, made);
    return present(made, ctx.now());
  },
});

async function freezeOf(db: Ctx['db'], freezeId: number): Promise<NamedFreeze> {
  const row = await namedFreezes(db).where('deployFreezes.id', '=', freezeId).executeTakeFirst();
  if (!row) throw notFound();
  return row;
}

/** A freeze, locked until the end of the transaction. */
async function lockedFreeze({ tx }: ChangeCtx, freezeId: number): Promise<NamedFreeze> {
  await tx.selectFrom('deployFreezes').select('id').where('id', '=', freezeId).forUpdate().execute();
  return freezeOf(tx, freezeId);
}

const path = '/application/deploy-freezes/{id}/';

const getFreeze = endpoint({
  method: 'get',
  path,
  id: 'getDeployFreeze',
  area,
  summary: 'One deploy freeze',
  permission: seesFreeze,
  returns: freezeObject,
  handle: async ({ params }, ctx) => present(await freezeOf(ctx.db, params.id), ctx.now()),
});

const changeFreeze = change({
  method: 'patch',
  path,
  id: 'changeDeployFreeze',
  area,
  summary: 'Change a deploy freeze',
  permission: changesFreeze,
  body: atLeastOne(fields.partial()),
  returns: freezeObject,
  problems: ['freeze_over'],
  async handle({ params, body }, ctx) {
    const before = await lockedFreeze(ctx, params.id);
    if (before.untilTime <= ctx.now()) throw new Problem('freeze_over');
    const after = {
      ...before,
      fromTime: body.from ?? before.fromTime,
      untilTime: body.until ?? before.untilTime,
      reason: body.reason ?? before.reason,
    };
    ensurePeriod(after);
    const changes = diff(recorded(before), recorded(after));
    if (!changes) return present(before, ctx.now());
    const { fromTime, untilTime, reason: why } = after;
    const update = ctx.tx.updateTable('deployFreezes').set({ fromTime, untilTime, reason: why });
    await update.where('id', '=', before.id).execute();
    ctx.audit(entry('changed', after, changes));
    await reconsider(ctx, after);
    return present(after, ctx.now());
  },
});

const deleteFreeze = change({
  method: 'delete',
  path,
  id: 'deleteDeployFreeze',
  area,
  summary: 'End a deploy freeze',
  permission: changesFreeze,
  returns: success,
  async handle({ params }, ctx) {
    const before = await lockedFreeze(ctx, params.id);
    await ctx.tx.deleteFrom('deployFreezes').where('id', '=', before.id).execute();
    ctx.audit(entry('ended', before, diff(recorded(before), null)));
    await reconsider(ctx, before);
    return done;
  },
});

export const freezeEndpoints = [listFreezes, createFreeze, getFreeze, changeFreeze, deleteFreeze];
