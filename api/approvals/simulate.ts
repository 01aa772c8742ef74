// Simulates the policy of a request made now, and who could approve it.
import { z } from 'zod';
import { holdersOf } from '../../db/approvals/people.ts';
import { choosePolicy } from '../../db/approvals/policies.ts';
import { requestKinds } from '../../workflows/approvals/contract.ts';
import { candidatesOf } from '../../workflows/approvals/quorum.ts';
import { levels } from '../../workflows/deploy/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { demandOn, signedIn } from '../operations/permissions.ts';
import { id } from '../operations/schemas.ts';
import { policyObject } from './fields.ts';
import { presentBuiltIn, presentPolicy } from './object.ts';

export const person = z.object({ id: z.int(), username: z.string() });

const wish = z.strictObject({
  kind: z.enum(requestKinds),
  application: id.optional(),
  level: z.enum(levels).optional().describe('of deploy tasks; A by default'),
  creator: z.union([id, z.string().min(1).max(64)]).optional(),
});

/** Id of the user who would make the request, given as id or by name; undefined: any user. */
async function creatorOf({ db }: Ctx, creator: number | string | undefined): Promise<number | undefined> {
  if (creator === undefined) return undefined;
  const user = await db
    .selectFrom('users')
    .select('id')
    .where(typeof creator === 'number' ? 'id' : 'username', '=', creator)
    .executeTakeFirst();
  if (!user) throw new Problem('no_such', { thing: 'user', id: creator });
  return user.id;
}

const simulate = endpoint({
  method: 'post',
  path: '/approval-policies/actions/simulate/',
  id: 'simulateApprovalPolicy',
  area: 'approvals',
  summary: 'Which policy would apply, and who could approve',
  permission: signedIn,
  body: wish,
  returns: z.object({
    policy: policyObject,
    steps: z.array(z.object({ groups: z.array(z.object({ candidates: z.array(person) })) })),
  }),
  problems: ['no_such'],
  async handle({ body: { kind, application, level: given, creator } }, ctx) {
    const level = given ?? (kind === 'deploy_task' ? 'A' : null);
    if (application !== undefined) await demandOn(ctx, 'application', 'view_app', application);
    const creatorId = await creatorOf(ctx, creator);
    const { row, policy } = await choosePolicy(ctx.db, { kind, applicationId: application ?? null, level });
    const holders = await holdersOf(ctx.db, kind, application === undefined ? 'anywhere' : { application });
    const people = holders.filter(({ userId }) => policy.creatorMayVote || userId !== creatorId);
    const weighed = { policy, escalated: false };
    return {
      policy: row ? presentPolicy(row) : presentBuiltIn(kind, kind === 'deploy_task' ? level : null),
      steps: policy.steps.map(({ groups }) => ({
        groups: groups.map((group) => ({
          candidates: candidatesOf(weighed, group, people).map(({ userId, username }) => ({ id: userId, username })),
        })),
      })),
    };
  },
});

export const simulationEndpoints = [simulate];
