// Notifies the creator of a request of its escalation. Their language is unknown, so the mail is in both.
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../../db/database.ts';
import { deployTask } from '../../../db/deploy/tasks.ts';
import type { OutboxHandler } from '../../../db/coordination/outbox-relay.ts';
import type { Logger } from '../../../kit/log.ts';
import type { Mail, SendMail } from './send.ts';

const escalation = z.object({ taskId: z.number(), hours: z.number(), role: z.string() });

interface EscalationDeps {
  db: Kysely<Database>;
  log: Logger;
  send: SendMail | undefined;
}

/** The relay's handler for an escalation: one mail to the creator; nothing without a mail server. */
export function escalationHandler({ db, log, send }: EscalationDeps): OutboxHandler {
  return async (payload) => {
    const { taskId, ...facts } = escalation.parse(payload);
    const task = send && (await deployTask(db, taskId));
    if (!send || !task) return;
    const creator = await db
      .selectFrom('users')
      .select('email')
      .where('id', '=', task.creatorId)
      .where('status', '=', 'enabled')
      .executeTakeFirst();
    if (!creator) return;
    const what = { id: taskId, application: task.fullName, version: task.version };
    const outcome = await send({ to: creator.email, ...escalationMail({ ...what, ...facts }) });
    if (outcome === 'refused') log.warn({ taskId }, 'the mail server refused the news of an escalation for good');
  };
}

interface Facts {
  id: number;
  application: string;
  version: string;
  hours: number;
  role: string;
}

const escalationMail = ({ id, application, version, hours, role }: Facts): Omit<Mail, 'to'> => ({
  subject: `Slipway: deploy task ${id} was escalated | 发布任务 ${id} 已升级`,
  text: `Your deploy task ${id} (${application} ${version}) was not approved within ${hours} hours.
From now on members of the role ${role} may approve it in every group.

您的发布任务 ${id} (${application} ${version}) 在 ${hours} 小时内未获批准。
即日起, 角色 ${role} 的成员可在任意组中审批。
`,
});
