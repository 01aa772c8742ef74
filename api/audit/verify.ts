import { z } from 'zod';
import { keepVerification } from '../../db/audit/verifications.ts';
import { verify } from '../../db/audit/verify.ts';
import { invalidField } from '../../workflows/problems/problem.ts';
import { endpoint } from '../operations/endpoint.ts';
import { system } from '../operations/permissions.ts';
import { id } from '../operations/schemas.ts';
import { readLog } from './snapshot.ts';
import { msg } from '../../kit/messages/message.ts';

/** The requested range of record ids. */
export const idRange = { from_id: id.optional(), to_id: id.optional() };

/** Throws unless the range is valid. */
export function demandRange({
  from_id: from,
  to_id: to,
}: {
  from_id?: number | undefined;
  to_id?: number | undefined;
}) {
  if (from !== undefined && to !== undefined && from > to)
    throw invalidField('to_id', msg('must_not_be_less_than_from_id'));
}

const reasons = ['hash_mismatch', 'broken_link', 'gap', 'missing_record', 'anchor_mismatch'] as const;

const verifyChain = endpoint({
  method: 'get',
  path: '/audit/verify/',
  id: 'verifyAuditChain',
  area: 'audit',
  summary: 'Verify the hash chain of the audit records',
  description: 'At most 1,000,000 records a call; next_id says where the next call continues.',
  permission: system('enable_audit'),
  query: z.object(idRange),
  returns: z.object({
    ok: z.boolean(),
    checked: z.int(),
    from_id: z.int(),
    to_id: z.int(),
    next_id: z.int().nullable(),
    first_bad: z.object({ id: z.int(), reason: z.enum(reasons) }).nullable(),
    head: z.object({ position: z.int(), hash: z.string() }),
    unsealed: z.int(),
    anchors_checked: z.int(),
  }),
  problems: ['too_many_requests'],
  async handle({ query }, ctx) {
    demandRange(query);
    const snapshot = await readLog(ctx);
    const result = await verify(snapshot, { fromId: query.from_id, toId: query.to_id }).finally(() =>
      snapshot.rollback().execute(),
    );
    const whole = result.from_id === 1 && query.to_id === undefined && result.next_id === null;
    if (!result.ok) ctx.log.error({ result }, 'the audit chain is broken');
    await keepVerification(ctx.db, ctx.secrets, result, whole);
    return result;
  },
});

export const auditVerifyEndpoints = [verifyChain];
