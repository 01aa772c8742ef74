// The operations of a kind of resource request: list, create, detail, change, plan, retry, and those of every approved
// request. A kind supplies its fields, and how they are stored and shown.
import { z } from 'zod';
import { voterOf } from '../../db/approvals/people.ts';
import { createResource } from '../../db/requests/changes.ts';
import { selectResources } from '../../db/requests/find.ts';
import type { Condition } from '../../db/requests/find.ts';
import type { ResourceRow, ResourceRules } from '../../db/requests/kind.ts';
import { resourcePlanDifference, resourcePlanOf } from '../../db/requests/plans.ts';
import { canChange } from '../../workflows/approvals/policy.ts';
import { openAtFirst, requiredVotes } from '../../workflows/approvals/quorum.ts';
import { changeResourceUpdate, resourceStatuses, retryUpdate } from '../../workflows/requests/contract.ts';
import type { ResourceFields } from '../../workflows/requests/contract.ts';
import { canCloseResource, canRetry } from '../../workflows/requests/policy.ts';
import type { ResourceView } from '../../workflows/requests/policy.ts';
import { decide, loadRequest } from '../approvals/decide.ts';
import { requestOperations } from '../approvals/operations.ts';
import type { RequestOperations } from '../approvals/operations.ts';
import type { Decidable } from '../approvals/decide.ts';
import { change } from '../operations/change.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import type { Endpoint } from '../operations/endpoint.ts';
import { list } from '../operations/list.ts';
import { notFound, signedIn, system } from '../operations/permissions.ts';
import { atLeastOne, done, flag, moment, several, success } from '../operations/schemas.ts';
import { launch } from '../operations/start-workflow.ts';
import { accessTo } from './access.ts';
import { decidable, resourceStart } from './decidable.ts';
import { commonFields, detailFields, presentCommon, presentDetail } from './object.ts';

interface ResourceApi<Row extends ResourceRow, Fields extends z.ZodObject, Shown extends z.ZodRawShape> {
  rules: ResourceRules<Row>;
  /** Path of the collection, without the last slash. */
  path: string;
  /** In operation ids: `get<Name>`, `list<Name>s`. */
  name: string;
  /** Writable fields of a new request; those of a change are the same, all optional and without defaults. */
  fields: Fields;
  /** Columns of the given fields; throws Problem for what the caller may not name. */
  columns(ctx: Ctx, given: Partial<z.output<Fields>>): Promise<ResourceFields>;
  /** Filters besides those of every kind, and their conditions on the alias `request`. */
  filter: z.ZodObject;
  conditions(query: Record<string, unknown>): Condition[];
  /** The fields that only this kind shows. */
  shown: Shown;
  show(ctx: Ctx, rows: readonly Row[]): Promise<Map<number, z.input<z.ZodObject<Shown>>>>;
}

const area = 'requests';
const decided = ['resource_approved', 'resource_closed', 'resource_finished', 'resource_rejected'] as const;
const conflicts = ['asked_already', 'asked_by_another', 'name_taken', 'no_such'] as const;

const atFirst = (policy: Parameters<typeof openAtFirst>[0]) => ({
  openTo: openAtFirst(policy),
  requiredApprovals: requiredVotes(policy),
});

const commonFilter = z.object({
  creator: z.string().max(64).optional(),
  status: several(resourceStatuses).optional(),
  time__gt: moment.optional(),
  time__lt: moment.optional(),
  mine: flag.optional(),
  awaiting_me: flag.optional(),
});

/** A kind with what its operations share. */
interface Parts<Row extends ResourceRow, Fields extends z.ZodObject> {
  rules: ResourceRules<Row>;
  path: string;
  name: string;
  fields: Fields;
  columns(ctx: Ctx, given: Partial<z.output<Fields>>): Promise<ResourceFields>;
  access: ReturnType<typeof accessTo<Row>>;
  decidable: Decidable<Row, ResourceView>;
  item: z.ZodObject;
  detail: z.ZodObject;
  present(rows: readonly Row[], ctx: Ctx): Promise<Record<string, unknown>[]>;
}

/** All operations of a kind, but those that only it has. */
export function resourceOperations<Row extends ResourceRow, Fields extends z.ZodObject, Shown extends z.ZodRawShape>(
  api: ResourceApi<Row, Fields, Shown>,
): Endpoint[] {
  const { rules, path, name, fields, columns } = api;
  const item = z.object({ ...commonFields, ...api.shown });
  const parts: Parts<Row, Fields> = {
    rules,
    path,
    name,
    fields,
    columns,
    access: accessTo(rules),
    decidable: decidable(rules),
    item,
    detail: item.extend(detailFields),
    async present(rows, ctx) {
      const [common, own] = await Promise.all([presentCommon(ctx, rules, rows), api.show(ctx, rows)]);
      return rows.map((row) => ({ ...common.get(row.id), ...own.get(row.id) }));
    },
  };
  return [
    listOf(parts, api),
    createOf(parts),
    getOf(parts),
    editOf(parts),
    planOf(parts),
    ...requestOperations(asRequests(parts)),
    retryOf(parts),
  ];
}

async function presentOne<Row extends ResourceRow>(
  { present, rules }: Pick<Parts<Row, z.ZodObject>, 'present' | 'rules'>,
  row: Row,
  ctx: Ctx,
): Promise<Record<string, unknown>> {
  const [one] = await present([row], ctx);
  return { ...one, ...(await presentDetail(ctx, rules.table.kind, row.id)) };
}

const listOf = <Row extends ResourceRow>(
  { rules, path, name, item, present }: Parts<Row, z.ZodObject>,
  { filter, conditions }: { filter: z.ZodObject; conditions(query: Record<string, unknown>): Condition[] },
): Endpoint =>
  list({
    path: `${path}/`,
    id: `list${name}s`,
    area,
    summary: `List ${rules.title}s`,
    permission: signedIn,
    filter: z.object({ ...commonFilter.shape, ...filter.shape }),
    item,
    order: { newest: 'request.id' },
    countCap: 1_000,
    query({ query }, { db, subject }) {
      const { time__gt: after, time__lt: before, awaiting_me: awaitingMe, ...rest } = query;
      return selectResources(db, rules, { ...rest, after, before, awaitingMe }, conditions(query), subject);
    },
    present: (rows, ctx) => present(rows, ctx),
  });

const createOf = <Row extends ResourceRow, Fields extends z.ZodObject>(parts: Parts<Row, Fields>): Endpoint =>
  change({
    method: 'post',
    path: `${parts.path}/`,
    id: `create${parts.name}`,
    area,
    summary: `Make a ${parts.rules.title}`,
    permission: system('create_resource_req'),
    body: parts.fields,
    returns: parts.detail,
    status: 201,
    problems: [...conflicts],
    prepare: ({ body }, ctx) => parts.columns(ctx, body),
    async handle(_input, ctx, columns) {
      const row = await createResource(ctx.tx, parts.rules, ctx.by, columns, atFirst);
      await launch(ctx, resourceStart(parts.rules, row));
      return presentOne(parts, row, { ...ctx, db: ctx.tx });
    },
  });

const getOf = <Row extends ResourceRow>(parts: Parts<Row, z.ZodObject>): Endpoint =>
  endpoint({
    method: 'get',
    path: `${parts.path}/{id}/`,
    id: `get${parts.name}`,
    area,
    summary: `One ${parts.rules.title}`,
    permission: parts.access.view,
    returns: parts.detail,
    handle: (_input, ctx) => presentOne(parts, ctx.allowed, ctx),
  });

const editOf = <Row extends ResourceRow, Fields extends z.ZodObject>(parts: Parts<Row, Fields>): Endpoint =>
  command({
    method: 'patch',
    path: `${parts.path}/{id}/`,
    id: `change${parts.name}`,
    area,
    summary: `Change a ${parts.rules.title} under review; approvals so far are void`,
    permission: parts.access.edit,
    body: atLeastOne(withoutDefaults(parts.fields)),
    returns: parts.detail,
    problems: [...conflicts, 'resource_not_in_review', 'workflow_lost'],
    async handle({ body }, ctx) {
      const fields = await parts.columns(ctx, body as Partial<z.output<Fields>>);
      const input = { actor: ctx.by, fields };
      await decide(ctx, parts.decidable, changeResourceUpdate, input, (view) => canChange(view, ctx.by));
      return presentOne(parts, await loadRequest(parts.decidable, ctx, ctx.allowed.id), ctx);
    },
  });

const planOf = <Row extends ResourceRow>({ rules, path, name, access }: Parts<Row, z.ZodObject>): Endpoint =>
  endpoint({
    method: 'get',
    path: `${path}/{id}/plan/`,
    id: `get${name}Plan`,
    area,
    summary: `What a ${rules.title} will do; votes are bound to its hash`,
    permission: access.view,
    returns: z.object({
      plan_hash: z.string().nullable(),
      changed_since_approval: z.boolean(),
      plan: z.record(z.string(), z.unknown()),
    }),
    async handle(_input, ctx) {
      const row = ctx.allowed;
      const plan = await resourcePlanOf(ctx.db, { kind: rules.table.kind, requestId: row.id, round: row.planRound });
      if (!plan) throw notFound();
      const isOpen = row.status === 'wait_review' || row.status === 'approved';
      const differs = isOpen && resourcePlanDifference(plan, await rules.compose(ctx.db, row)) !== null;
      return { plan_hash: row.planHash, changed_since_approval: differs, plan };
    },
  });

const retryOf = <Row extends ResourceRow>({ rules, path, name, access, ...parts }: Parts<Row, z.ZodObject>): Endpoint =>
  command({
    method: 'post',
    path: `${path}/{id}/actions/retry/`,
    id: `retry${name}`,
    area,
    summary: `Fulfil an approved ${rules.title} again, as far as it failed`,
    permission: access.retry,
    returns: success,
    problems: ['not_approved', 'no_failure', 'workflow_lost'],
    async handle(_input, ctx) {
      await decide(ctx, parts.decidable, retryUpdate, { actor: ctx.by }, canRetry);
      return done;
    },
  });

/** What a kind gives to the operations of every approved request. */
function asRequests<Row extends ResourceRow>(parts: Parts<Row, z.ZodObject>): RequestOperations<Row, ResourceView> {
  const { rules, path, name, access } = parts;
  const { kind } = rules.table;
  const votedOn = ({ id }: Row) => ({ kind, id, applicationId: null });
  return {
    kind,
    area,
    path,
    name,
    title: rules.title,
    decidable: parts.decidable,
    permissions: access,
    voterOf: (ctx, row) => voterOf(ctx.db, ctx.subject, votedOn(row)),
    votedOn,
    approvedOn: () => ({ target: rules.title, where: 'anywhere' }),
    canClose: canCloseResource,
    problems: {
      decided,
      approve: [],
      close: ['resource_closed', 'resource_finished', 'resource_rejected', 'request_fulfilling'],
    },
  };
}

/** The fields of a change: all optional, and absent unless they are given. */
const withoutDefaults = (fields: z.ZodObject): z.ZodObject =>
  z.strictObject(
    Object.fromEntries(
      Object.entries(fields.shape).map(([name, field]) => [
        name,
        (field instanceof z.ZodDefault ? (field.unwrap() as z.ZodType) : (field as z.ZodType)).optional(),
      ]),
    ),
  );
