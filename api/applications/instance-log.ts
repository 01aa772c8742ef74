import { z } from 'zod';
import { selectInstances } from '../../db/applications/instances.ts';
import { deployPathOf } from '../../db/deploy/settings.ts';
import { refuseUnadmitted } from '../../db/hosts/ways.ts';
import { textOf } from '../../kit/utf8.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { endpoint } from '../operations/endpoint.ts';
import { readOnHost } from '../hosts/host-reads.ts';
import { application, notFound } from '../operations/permissions.ts';
import { logPart, logQuery } from './log-query.ts';

const pathOfType = { stdout: 'stdoutPath', error: 'stderrPath' } as const;
const fieldOfType = { stdout: 'stdout_path', error: 'stderr_path' } as const;

export const getInstanceLog = endpoint({
  method: 'get',
  path: '/applications/{id}/instances/{instance_id}/log/',
  id: 'getInstanceLog',
  area: 'applications',
  summary: 'Read a log of an instance',
  description:
    'By bytes or by lines, from the start or from the end; `position` and `lines` say where to continue. ' +
    'Parameters of the other mode have no effect.',
  permission: application('view_app_log'),
  query: logQuery,
  returns: z.object({
    content: z.string(),
    length: z.int(),
    total_length: z.int(),
    position: z.int(),
    lines: z.int().optional(),
  }),
  problems: [
    'not_configured',
    'log_absent',
    'log_not_a_file',
    'log_outside',
    'log_unreadable',
    'too_much_to_scan',
    'host_silent',
    'host_not_admitted',
  ],
  async handle({ params, query }, ctx) {
    const part = logPart(query);
    const of = await ctx.db.selectFrom('applications').selectAll().where('id', '=', params.id).executeTakeFirst();
    const instances = selectInstances(ctx.db, params.id).where('instances.id', '=', params.instance_id);
    const instance = await instances.executeTakeFirst();
    if (!of || !instance) throw notFound();
    const path = of[pathOfType[query.log_type]];
    if (path === '') throw new Problem('not_configured', { field: fieldOfType[query.log_type] });
    const deployPath = await deployPathOf(ctx.db, of);
    const { logRoots, hostRules, hostAdmission } = ctx.config;
    await refuseUnadmitted(ctx.db, hostAdmission, { hostIds: [instance.hostId] });
    const deploy = deployPath === '' ? {} : { deploy: { path: deployPath, roots: hostRules.roots.deploy } };
    const host = { id: instance.hostId, name: instance.hostname };
    const { content, position, size, lines } = await readOnHost(ctx, host, {
      path,
      roots: [...logRoots],
      part,
      ...deploy,
    });
    return {
      content: textOf(content),
      length: content.length,
      total_length: size,
      position,
      ...(lines !== null && { lines }),
    };
  },
});
