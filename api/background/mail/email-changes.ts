// Mails about a new address: a confirmation link to it, and a notice to the old one, whose owner may not know of the change.
// The token of the link is created when the mail is sent, so that no table ever holds it.
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { emailLinkLifeMs, makeEmailToken } from '../../../db/access/email-changes.ts';
import type { Database } from '../../../db/database.ts';
import { enqueue } from '../../../db/coordination/outbox.ts';
import type { OutboxHandler } from '../../../db/coordination/outbox-relay.ts';
import type { Language } from '../../../kit/messages/message.ts';
import type { PasswordLinkDeps } from './password-links.ts';
import type { Mail } from './send.ts';

export const emailChangeTopic = 'email_change';

const notice = z.object({
  kind: z.enum(['confirm', 'told']),
  userId: z.number(),
  username: z.string(),
  to: z.string(),
  newEmail: z.string(),
  /** The user who changes it. */
  by: z.string(),
  language: z.enum(['en', 'zh']),
  time: z.iso.datetime(),
});

type Notice = z.output<typeof notice>;

/** Queues both mails, to be sent after the commit. */
export async function mailEmailChange(
  tx: Kysely<Database>,
  { oldEmail, ...rest }: Omit<Notice, 'kind' | 'to'> & { oldEmail: string },
): Promise<void> {
  await enqueue(tx, emailChangeTopic, { ...rest, kind: 'confirm', to: rest.newEmail } satisfies Notice);
  await enqueue(tx, emailChangeTopic, { ...rest, kind: 'told', to: oldEmail } satisfies Notice);
}

const confirmTexts: Record<Language, (facts: Notice & { link: string }) => Omit<Mail, 'to'>> = {
  en: ({ username, link }) => ({
    subject: 'Slipway: confirm your address',
    text: `This address is to become that of the Slipway user ${username}.

Confirm it here within 24 hours; the link works once:
${link}

If you did not expect this, ignore this mail.
`,
  }),
  zh: ({ username, link }) => ({
    subject: 'Slipway: 确认邮箱',
    text: `此邮箱将用作 Slipway 用户 ${username} 的邮箱。

请在 24 小时内通过以下链接确认, 链接只能使用一次:
${link}

如果您不知情, 请忽略此邮件。
`,
  }),
};

const toldTexts: Record<Language, (facts: Notice) => Omit<Mail, 'to'>> = {
  en: ({ username, newEmail, by }) => ({
    subject: 'Slipway: your address is about to change',
    text: `${by} has asked for ${newEmail} to replace this address of the Slipway user ${username}.
The change takes effect once it is confirmed there.

If you do not want that, tell an administrator of Slipway now.
`,
  }),
  zh: ({ username, newEmail, by }) => ({
    subject: 'Slipway: 您的邮箱即将变更',
    text: `${by} 将 Slipway 用户 ${username} 的邮箱由此邮箱改为 ${newEmail}, 确认后生效。

如果这不是您想要的, 请立即联系 Slipway 管理员。
`,
  }),
};

/** The relay's handler for a notice: does nothing if it is too late or the address is no longer requested. */
export function emailChangeHandler({ db, config: { publicUrl }, log, send, now }: PasswordLinkDeps): OutboxHandler {
  return async (payload) => {
    const facts = notice.parse(payload);
    const { kind, language, to, userId } = facts;
    const late = now().getTime() - Date.parse(facts.time) > emailLinkLifeMs;
    if (late || !send || publicUrl === undefined) {
      log.warn({ kind, late }, 'a mail about a new address was not sent');
      return;
    }
    const token = kind === 'confirm' ? await makeEmailToken(db, userId, to) : undefined;
    if (kind === 'confirm' && token === undefined) return;
    // The fragment (`#…`) never leaves the browser.
    const link = `${publicUrl}/ui/confirm-email#token=${token ?? ''}`;
    const mail = kind === 'confirm' ? confirmTexts[language]({ ...facts, link }) : toldTexts[language](facts);
    if ((await send({ to, ...mail })) === 'refused')
      log.warn({ kind, userId }, 'the mail server refused a mail about a new address for good');
  };
}
