import { z } from 'zod';
import { quote } from '../../db/audit/text.ts';
import { lockHosts } from '../../db/applications/instances.ts';
import { admitWays, unadmittedHosts, wayOfHost } from '../../db/hosts/ways.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import { notFound, system } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';
import { hostEntry } from './text.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

/** Admits commands on a host by its current way; the body may name the reviewed way, which must match. */
export const admitHost = change({
  method: 'post',
  path: '/hosts/{id}/actions/admit/',
  id: 'admitHost',
  area: 'hosts',
  summary: 'Admit a host: let commands run on it by its current way',
  description: 'With `way` as it was shown, it is refused if the host is reached in another way by now.',
  permission: system('manage_host'),
  body: z
    .object({ way: z.string().max(2000) })
    .partial()
    .optional(),
  returns: success,
  problems: ['way_changed'],
  async handle({ params, body }, ctx) {
    const [host] = await lockHosts(ctx.tx, [params.id]);
    if (!host) throw notFound();
    const way = await wayOfHost(ctx.tx, host.id);
    if (body?.way !== undefined && body.way !== way) throw new Problem('way_changed', { way: way ?? 'local' });
    const waiting = await unadmittedHosts(ctx.tx, 'manage', { hostIds: [host.id] });
    if (!waiting.has(host.id)) return done;
    await admitWays(ctx.tx, ctx.subject, [host.id]);
    const detail = auditText('host_admitted', { name: quote(host.name), way: quote(way ?? '') });
    ctx.audit(hostEntry('update', host, detail, { admittedWay: [host.admittedWay, way] }));
    return done;
  },
});
