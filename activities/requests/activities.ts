import type { Kysely } from 'kysely';
import { holds, loadSubject } from '../../db/access/rights.ts';
import { strictestPolicy } from '../../db/approvals/policies.ts';
import { commonly, commonName } from '../../db/approvals/request-table.ts';
import { writeTransition } from '../../db/approvals/transitions.ts';
import { policyOf } from '../../db/approvals/votes.ts';
import type { Database } from '../../db/database.ts';
import { changeResource } from '../../db/requests/changes.ts';
import type { ResourceRow, ResourceRules } from '../../db/requests/kind.ts';
import { resourceRulesOf } from '../../db/requests/kinds.ts';
import { putResourcePlan, resourcePlanDifference, resourcePlanHash, resourcePlanOf } from '../../db/requests/plans.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { SentBack } from '../../workflows/approvals/contract.ts';
import { openAtFirst, requiredVotes } from '../../workflows/approvals/quorum.ts';
import { msg } from '../../kit/messages/message.ts';
import { listOf, messageOf, Problem } from '../../workflows/problems/problem.ts';
import type { ResourcePlan, ResourceRef } from '../../workflows/requests/contract.ts';
import type { ResourceRecordActivities } from '../../workflows/requests/ports.ts';
import { authorizeDecider, recordRefusedMessage } from '../approvals/decisions.ts';
import { weighVotes } from '../approvals/weigh-votes.ts';
import type { ActivityDeps } from '../deps.ts';

/** The activities that every kind of resource request shares. */
export function createResourceRecordActivities(deps: ActivityDeps): ResourceRecordActivities {
  const { db } = deps;
  return {
    recordResourceTransition: ({ kind, id, ...transition }) =>
      db.transaction().execute((tx) => writeTransition(tx, resourceRulesOf(kind), id, transition)),

    recordResourceChange: ({ kind, ...change }) =>
      changeResource(db, resourceRulesOf(kind), change, (policy) => ({
        openTo: openAtFirst(policy),
        requiredApprovals: requiredVotes(policy),
      })),

    async completeResourcePlan({ kind, id, round }) {
      const planHash = resourcePlanHash(await planOf(db, { kind, id }, round));
      await fixHash(db, resourceRulesOf(kind), id, { round, planHash });
      return { planHash };
    },

    remakeResourcePlan: (input) => remakePlan(db, input),

    authorizeResourceDecision: ({ kind, id, ...message }) =>
      authorizeDecider(deps, message, kind, async () => {
        const row = await resourceRulesOf(kind).find(db, id);
        if (!row) return undefined;
        const sees = { closers: [row.creatorId], sees: () => Promise.resolve(true) };
        return { kind, id, applicationId: null, ...sees };
      }),

    async recordRefusedResourceDecision({ kind, id, attempt, problem }) {
      const rules = resourceRulesOf(kind);
      const row = await rules.find(db, id);
      if (row) await recordRefusedMessage(deps, { ...rules.audited(row, ''), kind, id }, attempt, problem);
    },
  };
}

async function planOf(db: Kysely<Database>, { kind, id }: ResourceRef, round: number): Promise<ResourcePlan> {
  const plan = await resourcePlanOf(db, { kind, requestId: id, round });
  if (!plan) throw new Problem('no_such', { thing: 'plan', id: `${kind} ${id}, round ${round}` });
  return plan;
}

async function fixHash(
  db: Kysely<Database>,
  { table }: ResourceRules,
  id: number,
  { round, planHash }: { round: number; planHash: string },
): Promise<void> {
  await commonly(db)
    .updateTable(commonName(table))
    .set({ planHash })
    .where('id', '=', id)
    .where('planRound', '=', round)
    .execute();
}

/** The plan as it would be made now is stored as the next round when the request has to be reviewed again. */
async function remakePlan(
  db: Kysely<Database>,
  { kind, id, round }: ResourceRef & { round: number },
): Promise<{ planHash: string; sentBack: SentBack | null }> {
  const rules = resourceRulesOf(kind);
  const row = await rules.find(db, id);
  if (!row) throw new Problem('no_such', { thing: rules.title, id });
  await ensureCreatorMay(db, row);
  const before = await planOf(db, { kind, id }, round);
  const plan = await rules.compose(db, row);
  const difference = resourcePlanDifference(before, plan);
  const weighed = await weigh(db, rules, row);
  if (difference === null && weighed === null) return { planHash: resourcePlanHash(before), sentBack: null };
  await putResourcePlan(db, { kind, requestId: id, round: round + 1 }, plan);
  const differs = difference === null ? [] : [msg('plan_differs_by', { difference })];
  const reason = listOf([...(weighed ? [messageOf(weighed.reason)] : []), ...differs]);
  return { planHash: resourcePlanHash(plan), sentBack: { ...weighed, reason } };
}

/** A creator who could not ask for it now holds the fulfilment. */
async function ensureCreatorMay(db: Kysely<Database>, { creatorId }: ResourceRow): Promise<void> {
  const user = await db.selectFrom('users').select('status').where('id', '=', creatorId).executeTakeFirst();
  const may = user?.status === 'enabled' && holds(await loadSubject(db, creatorId), 'create_resource_req');
  if (!may) throw new Problem('not_allowed', { permission: 'create_resource_req' });
}

async function weigh(db: Kysely<Database>, { table }: ResourceRules, row: ResourceRow): Promise<SentBack | null> {
  const { kind } = table;
  const chosen = await strictestPolicy(db, kind, row.applications ?? []);
  const request = { ...row, kind, applicationId: null };
  return weighVotes(db, request, { kept: policyOf(row), chosen }, (subject) =>
    Promise.resolve(holds(subject, approvingPermissions[kind])),
  );
}
