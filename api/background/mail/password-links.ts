// Mails with links to set a password. The outbox holds only the addressee: the token is created when the mail is sent, so
// that no table ever holds it, and the user is looked up only after the response has been sent.
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { findAddressee, hasYoungLink, linkLifeMs, makeLink } from '../../../db/access/password-links.ts';
import type { Database } from '../../../db/database.ts';
import { enqueue } from '../../../db/coordination/outbox.ts';
import type { OutboxHandler } from '../../../db/coordination/outbox-relay.ts';
import type { Config } from '../../../kit/config/config.ts';
import type { Logger } from '../../../kit/log.ts';
import { passwordMail } from './password-texts.ts';
import type { SendMail } from './send.ts';

export const passwordLinkTopic = 'password_link';

const wish = z.object({
  kind: z.enum(['reset', 'invitation']),
  email: z.string(),
  userId: z.number().optional(),
  language: z.enum(['en', 'zh']),
  time: z.iso.datetime(),
  /** There are so many requests for this mailbox that no other link is mailed while the last one is recent. */
  isCrowded: z.boolean().optional(),
});

/** Payload of the outbox row. */
type PasswordLinkWish = z.output<typeof wish>;

/** Queues a link, to be mailed after the commit; does nothing without a mail server. */
export async function mailPasswordLink(
  tx: Kysely<Database>,
  { smtpUrl }: Pick<Config, 'smtpUrl'>,
  wanted: PasswordLinkWish,
): Promise<void> {
  if (smtpUrl !== undefined) await enqueue(tx, passwordLinkTopic, wanted);
}

/** URL of the console's page for choosing a password; the fragment (`#…`) never leaves the browser. */
const pageOf = (publicUrl: string, token: string): string => `${publicUrl}/ui/reset-password#token=${token}`;

export interface PasswordLinkDeps {
  db: Kysely<Database>;
  config: Pick<Config, 'publicUrl'>;
  log: Logger;
  send: SendMail | undefined;
  now(): Date;
}

/** The relay's handler for a request: does nothing if it is too late or matches no user, else mails a new link. */
export function passwordLinkHandler({ db, config: { publicUrl }, log, send, now }: PasswordLinkDeps): OutboxHandler {
  return async (payload) => {
    const { kind, language, time, isCrowded, ...addressee } = wish.parse(payload);
    const late = now().getTime() - Date.parse(time) > linkLifeMs[kind];
    if (late || !send || publicUrl === undefined) {
      log.warn({ kind, late }, 'a password link was not mailed');
      return;
    }
    const user = await findAddressee(db, addressee);
    if (!user || (isCrowded && (await hasYoungLink(db, user.id, now())))) return;
    const token = await makeLink(db, { userId: user.id, email: user.email, kind, now: now() });
    const mail = passwordMail(kind, language, { username: user.username, link: pageOf(publicUrl, token) });
    const outcome = await send({ to: user.email, ...mail });
    if (outcome === 'refused') log.warn({ kind, userId: user.id }, 'the mail server refused a password link for good');
  };
}
