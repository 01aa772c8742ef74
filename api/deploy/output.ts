import { endpoint } from '../operations/endpoint.ts';
import { notFound } from '../operations/permissions.ts';
import { liveOutput, outputObject, outputOf, outputQuery } from '../tasks/output.ts';
import { onTask } from './access.ts';

/** Users who may read the output of a sub-task. */
const outputReader = onTask('view_app_log', 'deploy_app', 'review_app_deploy_task');

const getOutput = endpoint({
  method: 'get',
  path: '/application/deploy-tasks/{id}/sub-tasks/{task_id}/output/',
  id: 'getSubTaskOutput',
  area: 'deploy',
  summary: 'Output of a sub-task',
  description: `Lines are numbered from 1 without gaps. ${liveOutput}`,
  permission: outputReader,
  query: outputQuery,
  returns: outputObject,
  async handle({ params, query }, ctx) {
    const task = await ctx.db
      .selectFrom('tasks')
      .select(['id', 'status'])
      .where('id', '=', params.task_id)
      .where('deployTaskId', '=', params.id)
      .executeTakeFirst();
    if (!task) throw notFound();
    return outputOf(ctx, task, query);
  },
});

export const outputEndpoints = [getOutput];
