import { loadDeployView, requestKind, votesOf } from '../../db/deploy/tasks.ts';
import { explain, explanation } from '../approvals/explain.ts';
import { endpoint } from '../operations/endpoint.ts';
import { callerAsVoter, onTask } from './access.ts';
import { loadTask } from './decide.ts';

const explainTask = endpoint({
  method: 'get',
  path: '/application/deploy-tasks/{id}/explain/',
  id: 'explainDeployTask',
  area: 'deploy',
  summary: 'Who may approve a deploy task, who has, what is missing, and why the caller may or may not',
  permission: onTask('view_app'),
  returns: explanation,
  async handle({ params }, ctx) {
    const task = await loadTask(ctx, params.id);
    const view = { ...(await loadDeployView(ctx.db, task)), votes: await votesOf(ctx.db, [task]) };
    const voter = await callerAsVoter(ctx, task);
    const { id, applicationId, fullName: target } = task;
    const request = { kind: requestKind, id, applicationId } as const;
    return explain({ view, voter, request, target, where: { application: applicationId } }, ctx);
  },
});

export const explainEndpoints = [explainTask];
