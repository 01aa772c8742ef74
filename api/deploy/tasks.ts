import { z } from 'zod';
import { visible } from '../../db/access/rights.ts';
import { choosePolicy, demandLevel } from '../../db/approvals/policies.ts';
import { addEvent } from '../../db/approvals/votes.ts';
import { refuseForeignPlace } from '../../db/deploy/places.ts';
import { composePlan, planBasis } from '../../db/deploy/plan.ts';
import type { Renderer } from '../../db/deploy/plan.ts';
import {
  deployTable,
  deployTasksWithNames,
  nextDeployTaskId,
  packageToRead,
  presentPlan,
  putPlan,
} from '../../db/deploy/tasks.ts';
import { taskQuery } from '../../db/deploy/task-filter.ts';
import { json } from '../../db/core/jsonb.ts';
import { recordDeployStep } from '../../db/deploy/transitions.ts';
import { hostPathIn, reachIn } from '../../kit/host-path.ts';
import { canChange } from '../../workflows/approvals/policy.ts';
import { openAtFirst, requiredVotes } from '../../workflows/approvals/quorum.ts';
import { changeUpdate, deployTaskStatuses } from '../../workflows/deploy/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import { command } from '../operations/command.ts';
import type { Ctx } from '../operations/context.ts';
import { endpoint } from '../operations/endpoint.ts';
import { launch } from '../operations/start-workflow.ts';
import { list } from '../operations/list.ts';
import { applications, notFound, signedIn } from '../operations/permissions.ts';
import { atLeastOne, paging } from '../operations/schemas.ts';
import { decide, loadRequest } from '../approvals/decide.ts';
import { onTask, toTask } from './access.ts';
import { deployTaskStart, deployTasks } from './decidable.ts';
import { changedColumns, changedFields, newTask, optionalColumns } from './task-input.ts';
import { planObject, presentPlanObject } from './plan-object.ts';
import { placeProblems } from './settings-change.ts';
import { strategyOf } from './strategy.ts';
import { taskFilter } from './task-filter.ts';
import { presentTaskDetail, presentTasks, taskDetail, taskObject } from './task-object.ts';

const area = 'deploy';

/** The renderer for plans composed in this process. */
const rendererOf = ({ jinja, config }: Pick<Ctx, 'jinja' | 'config'>): Renderer => ({
  renderAll: jinja.renderAll,
  hostPath: hostPathIn(config.dataDir),
  hostRules: config.hostRules,
  reach: reachIn(config),
});

const listTasks = list({
  path: '/application/deploy-tasks/',
  id: 'listDeployTasks',
  area,
  summary: 'List deploy tasks',
  permission: signedIn,
  filter: taskFilter,
  item: taskObject,
  order: { newest: 'deployTasks.id' },
  // Deploy tasks accumulate over years; an exact count beyond this has no use and costs a hundred pages.
  countCap: 1_000,
  query({ query }, { db, subject }) {
    const { time__gt: after, time__lt: before, awaiting_me: awaitingMe, ...rest } = query;
    const filter = { ...rest, after, before, awaitingMe };
    return taskQuery(deployTasksWithNames(db), filter, subject).where(
      visible(subject, 'application', 'view_app', 'deployTasks.applicationId'),
    );
  },
  present: presentTasks,
});

const createTask = change({
  method: 'post',
  path: '/application/deploy-tasks/',
  id: 'createDeployTask',
  area,
  summary: 'Create a deploy task',
  permission: applications('deploy_app', (body) => [
    (body as { application_id?: unknown } | null | undefined)?.application_id,
  ]),
  body: newTask,
  returns: z.object({ message: z.literal('success'), id: z.int(), status: z.enum(deployTaskStatuses) }),
  status: 201,
  problems: ['not_found', 'settings_disabled', ...placeProblems],
  // Hooks are rendered by another process: no transaction waits for it.
  async prepare({ body }, ctx) {
    const basis = await planBasis(ctx.db, body.application_id);
    if (!basis.settings.enabled) throw new Problem('settings_disabled');
    await refuseForeignPlace(ctx.db, ctx.subject, body.application_id);
    const strategy = strategyOf(ctx.config, body.strategy) ?? null;
    const subject = {
      id: await nextDeployTaskId(ctx.db),
      applicationId: body.application_id,
      strategy,
      version: body.version,
      description: body.description ?? '',
      level: body.level,
      creator: ctx.actor.user.username,
      packageSource: body.package_source,
    };
    const plan = await composePlan(ctx.db, rendererOf(ctx), subject, packageToRead(body.package_source), basis);
    return { taskId: subject.id, strategy, basis, plan };
  },
  async handle({ body }, ctx, { taskId, strategy, basis, plan }) {
    const { tx, actor } = ctx;
    const { application_id: applicationId, ...fields } = body;
    const { kind } = deployTable;
    const { row: rules, policy } = await choosePolicy(tx, { kind, applicationId, level: body.level });
    demandLevel(rules, body.level);
    const status = policy.steps.length === 0 ? ('approved' as const) : ('wait_review' as const);
    const row = await tx
      .insertInto('deployTasks')
      .values({
        id: taskId,
        applicationId,
        creatorId: actor.user.id,
        ownerId: actor.user.id,
        ...optionalColumns(fields),
        strategy: strategy && json(strategy),
        level: body.level,
        version: body.version,
        packageSource: body.package_source,
        plannedExecTime: body.planned_exec_time,
        status,
        requiredApprovals: requiredVotes(policy),
        policy: json(policy),
        openTo: json(openAtFirst(policy)),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    const { name: applicationName, fullName } = basis.application;
    const { username } = actor.user;
    const task = {
      ...row,
      applicationName,
      fullName,
      creator: username,
      owner: username,
      heldUntil: null,
      packageUnread: null,
      applicationDeleted: null,
    };
    await putPlan(tx, taskId, 1, plan);
    await addEvent(tx, { kind, requestId: taskId, event: 'created', by: username, channel: ctx.by.channel });
    await recordDeployStep(tx, ctx.by, task, 'created');
    await launch(ctx, deployTaskStart(task));
    return { message: 'success' as const, id: taskId, status };
  },
});

const getTask = endpoint({
  method: 'get',
  path: '/application/deploy-tasks/{id}/',
  id: 'getDeployTask',
  area,
  summary: 'One deploy task',
  permission: onTask('view_app'),
  returns: taskDetail,
  handle: (_input, ctx) => presentTaskDetail(ctx.allowed, ctx),
});

const changeTask = command({
  method: 'patch',
  path: '/application/deploy-tasks/{id}/',
  id: 'changeDeployTask',
  area,
  summary: 'Change a deploy task under review; approvals so far are void',
  permission: toTask('edit', 'deploy_app'),
  body: atLeastOne(changedFields),
  returns: taskDetail,
  problems: ['not_in_review', 'workflow_lost', ...placeProblems],
  async handle({ body }, ctx) {
    const strategy = strategyOf(ctx.config, body.strategy);
    const fields = { ...changedColumns(body), ...(strategy !== undefined && { strategy }) };
    const input = { actor: ctx.by, fields };
    await decide(ctx, deployTasks, changeUpdate, input, (view) => canChange(view, ctx.by));
    return presentTaskDetail(await loadRequest(deployTasks, ctx, ctx.allowed.id), ctx);
  },
});

const getPlan = endpoint({
  method: 'get',
  path: '/application/deploy-tasks/{id}/plan/',
  id: 'getDeployPlan',
  area,
  summary: 'The plan of a deploy task, with its instances in pages; votes are bound to its hash',
  permission: onTask('view_app'),
  query: z.object(paging),
  returns: planObject,
  async handle({ query }, ctx) {
    const task = ctx.allowed;
    const plan = await presentPlan(ctx.db, task.id, task.planRound);
    if (!plan) throw notFound();
    return presentPlanObject(ctx, task, plan, { page: query.page, pageSize: query.page_size });
  },
});

export const taskEndpoints = [listTasks, createTask, getTask, changeTask, getPlan];
