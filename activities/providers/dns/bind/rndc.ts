// rndc's protocol: a first message fetches the server's nonce, the second carries the command. The server closes without an
// answer when it does not accept the key or the address.
import { randomInt } from 'node:crypto';
import { withChannel } from '../connection.ts';
import type { Channel } from '../connection.ts';
import { DnsAnswerError, DnsKeyError } from '../errors.ts';
import type { DnsNetwork } from '../network.ts';
import { IscccError, readRndc, textAt, writeRndc } from './isccc.ts';
import type { RndcKey, IsccTable } from './isccc.ts';

interface RndcTarget {
  /** The server's name in Slipway. */
  server: string;
  host: string;
  port: number;
  key: RndcKey;
}

export interface RndcAnswer {
  /** Whether the server has carried the command out. */
  isDone: boolean;
  /** The server's words on success. */
  text: string;
  /** The server's words on failure. */
  error: string;
}

export type Rndc = (command: string) => Promise<RndcAnswer>;

const lifetimeSeconds = 60;

function message(serial: number, command: string, nonce: string | null): IsccTable {
  const now = Math.floor(Date.now() / 1000);
  const control = { _ser: String(serial), _tim: String(now), _exp: String(now + lifetimeSeconds) };
  return { _ctrl: nonce === null ? control : { ...control, _nonce: nonce }, _data: { type: command } };
}

async function exchange({ server, key }: RndcTarget, channel: Channel, sent: IsccTable): Promise<IsccTable> {
  channel.send(writeRndc(sent, key));
  const bytes = await channel.receive();
  if (bytes === null)
    throw new DnsKeyError(
      server,
      'rndc closed the connection; check rndc_key_name, rndc_algorithm, rndc_secret and the clocks',
    );
  try {
    const answer = readRndc(bytes, key);
    if (textAt(answer, '_ctrl', '_ser') !== textAt(sent, '_ctrl', '_ser') || textAt(answer, '_ctrl', '_rpl') !== '1')
      throw new IscccError('the answer is to another command');
    return answer;
  } catch (error) {
    if (!(error instanceof IscccError)) throw error;
    const reason = `the answer of rndc cannot be trusted: ${error.message}`;
    throw error.isKey ? new DnsKeyError(server, reason) : new DnsAnswerError(server, reason);
  }
}

/** Creates the caller of a server's rndc. */
export const createRndc =
  (target: RndcTarget, network: DnsNetwork): Rndc =>
  (command) =>
    withChannel({ ...target, framing: 'rndc' }, network, async (channel) => {
      const serial = randomInt(2 ** 31);
      const hello = await exchange(target, channel, message(serial, 'null', null));
      const nonce = textAt(hello, '_ctrl', '_nonce');
      if (nonce === null) throw new DnsAnswerError(target.server, 'rndc sends no nonce');
      const answer = await exchange(target, channel, message(serial + 1, command, nonce));
      const result = textAt(answer, '_data', 'result');
      const error = textAt(answer, '_data', 'err') ?? '';
      return { isDone: (result ?? '0') === '0' && error === '', text: textAt(answer, '_data', 'text') ?? '', error };
    });
