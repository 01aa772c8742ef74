// A real SMTP server in the test's process; what it takes is decoded to plain text.
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  to: string[];
  headers: string;
  text: string;
}

export interface MailServer {
  url: string;
  mails: ReceivedMail[];
  /** The answer to the next recipients; undefined takes them. */
  refuseWith(responseCode: number | undefined): void;
  /** How often a recipient was named. */
  attempts(): number;
  close(): Promise<void>;
}

export async function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  let refusal: number | undefined;
  let attempts = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onRcptTo(_address, _session, callback) {
      attempts += 1;
      callback(refusal === undefined ? null : Object.assign(new Error('refused'), { responseCode: refusal }));
    },
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(
          decoded(
            Buffer.concat(chunks).toString(),
            session.envelope.rcptTo.map(({ address }) => address),
          ),
        );
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  return {
    url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`,
    mails,
    refuseWith: (code) => {
      refusal = code;
    },
    attempts: () => attempts,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  };
}

function decoded(raw: string, to: string[]): ReceivedMail {
  const end = raw.indexOf('\r\n\r\n');
  const [headers, body] = [raw.slice(0, end), raw.slice(end + 4)];
  if (/^content-transfer-encoding: base64/im.test(headers))
    return { to, headers, text: Buffer.from(body, 'base64').toString() };
  if (!/^content-transfer-encoding: quoted-printable/im.test(headers)) return { to, headers, text: body };
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return { to, headers, text: Buffer.from(bytes, 'latin1').toString() };
}
