// The only file that depends on the mail library. Plain text only; nothing in a message can name a file or a URL to fetch.
import { createTransport } from 'nodemailer';
import type { Config } from '../../../kit/config/config.ts';

export interface Mail {
  to: string;
  subject: string;
  text: string;
}

/** Sends a mail; `refused` if the server rejects it permanently (5xx), other failures throw. */
export type SendMail = (mail: Mail) => Promise<'sent' | 'refused'>;

const timeouts = { dnsTimeout: 5_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 };

/** A mail sender for this configuration; undefined without a mail server. */
export function createSendMail({ smtpUrl, smtpFrom }: Pick<Config, 'smtpUrl' | 'smtpFrom'>): SendMail | undefined {
  if (smtpUrl === undefined || smtpFrom === undefined) return undefined;
  const transport = createTransport({ url: smtpUrl, ...timeouts });
  return async ({ to, subject, text }) => {
    try {
      await transport.sendMail({
        from: { name: 'Slipway', address: smtpFrom },
        to: { name: '', address: to },
        subject,
        text,
        disableFileAccess: true,
        disableUrlAccess: true,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      return 'sent';
    } catch (error) {
      if (isForGood(error)) return 'refused';
      throw error;
    }
  };
}

// The recipient or the message was rejected; a rejected login (EAUTH) is for the operator to fix, and is retried.
function isForGood(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && typeof responseCode === 'number' && responseCode >= 500;
}
