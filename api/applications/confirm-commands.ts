// Commands written by an editor run on hosts only after a second user has read them: a confirmation is bound to the hash of
// the commands read.
import { z } from 'zod';
import { commandsHash, confirmCommands, writtenCommands } from '../../db/applications/commands.ts';
import { diff } from '../../db/audit/changes.ts';
import { quote } from '../../db/audit/text.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import { change } from '../operations/change.ts';
import { application, notFound } from '../operations/permissions.ts';
import { done, success } from '../operations/schemas.ts';
import { presentCommands } from './commands-object.ts';
import { applicationEntry } from './text.ts';
import { issue } from '../operations/issue.ts';
import { auditText } from '../../kit/messages/audit-text.ts';

const reviewed = application('review_app_deploy_task');

export const confirmApplicationCommands = change({
  method: 'post',
  path: '/applications/{id}/actions/confirm-commands/',
  id: 'confirmApplicationCommands',
  area: 'applications',
  summary: 'Confirm the commands that someone else has written',
  description: 'From then on they run on instances that were never deployed; deployed ones keep theirs.',
  permission: reviewed,
  body: z.object({ hash: z.string().regex(/^[0-9a-f]{64}$/, issue('must_be_sha256')) }),
  returns: success,
  problems: ['no_pending_commands', 'own_commands', 'commands_differ'],
  async handle({ params, body }, ctx) {
    const row = await ctx.tx
      .selectFrom('applications')
      .selectAll()
      .where('id', '=', params.id)
      .where('deletedTime', 'is', null)
      .forUpdate()
      .executeTakeFirst();
    if (!row) throw notFound();
    if (row.confirmedCommands === null) throw new Problem('no_pending_commands');
    if (row.commandsBy.includes(ctx.actor.user.username)) throw new Problem('own_commands');
    const present = commandsHash(row);
    if (present !== body.hash) throw new Problem('commands_differ', { present });
    await confirmCommands(ctx.tx, row.id);
    const name = quote(row.fullName);
    const changes = diff(presentCommands(row.confirmedCommands), presentCommands(writtenCommands(row)));
    const detail = auditText('commands_confirmed', { name, hash: present });
    ctx.audit(applicationEntry('update', { id: row.id, fullName: row.fullName }, detail, changes));
    return done;
  },
});
