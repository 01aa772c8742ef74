// Notifies the creator of a request of its escalation. Their language is unknown, so the mail is in both.
import type { Kysely } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../../db/database.ts';
import { findAnyRequest } from '../../../db/requests/kinds.ts';
import type { OutboxHandler } from '../../../db/coordination/outbox-relay.ts';
import type { Logger } from '../../../kit/log.ts';
import { requestKinds } from '../../../workflows/approvals/contract.ts';
import type { Mail, SendMail } from './send.ts';

const facts = { hours: z.number(), role: z.string() };
/** Messages from before other kinds could be escalated name a deploy task only. */
const escalation = z.union([
  z.object({ kind: z.enum(requestKinds), id: z.number(), ...facts }),
  z.object({ taskId: z.number(), ...facts }).transform(({ taskId, ...rest }) => ({
    kind: 'deploy_task' as const,
    id: taskId,
    ...rest,
  })),
]);

interface EscalationDeps {
  db: Kysely<Database>;
  log: Logger;
  send: SendMail | undefined;
}

/** The relay's handler for an escalation: one mail to the creator; nothing without a mail server. */
export function escalationHandler({ db, log, send }: EscalationDeps): OutboxHandler {
  return async (payload) => {
    const { kind, id, hours, role } = escalation.parse(payload);
    const request = send && (await findAnyRequest(db, kind, id));
    if (!send || !request) return;
    const creator = await db
      .selectFrom('users')
      .select('email')
      .where('id', '=', request.creatorId)
      .where('status', '=', 'enabled')
      .executeTakeFirst();
    if (!creator) return;
    const { label, targetName } = request;
    const outcome = await send({ to: creator.email, ...escalationMail({ label, about: targetName, hours, role }) });
    if (outcome === 'refused') log.warn({ kind, id }, 'the mail server refused the news of an escalation for good');
  };
}

interface Facts {
  label: { en: string; zh: string };
  about: string;
  hours: number;
  role: string;
}

const escalationMail = ({ label, about, hours, role }: Facts): Omit<Mail, 'to'> => ({
  subject: `Slipway: ${label.en} was escalated | ${label.zh} 已升级`,
  text: `Your ${label.en}, ${about}, was not approved within ${hours} hours.
From now on members of the role ${role} may approve it in every group.

您的${label.zh}, ${about}, 在 ${hours} 小时内未获批准。
即日起, 角色 ${role} 的成员可在任意组中审批。
`,
});
