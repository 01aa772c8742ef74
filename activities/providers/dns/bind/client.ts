// DNS over TCP, signed and verified. A session is one connection; its questions are asked one after the other.
import { randomInt } from 'node:crypto';
import { WireFormatError } from '../../../../kit/dns/labels.ts';
import { withChannel } from '../connection.ts';
import type { Channel } from '../connection.ts';
import { DnsAnswerError, DnsChangeTooLongError, DnsClockError, DnsKeyError } from '../errors.ts';
import type { DnsNetwork } from '../network.ts';
import { badKey, badSig, badTime, classIn, opcodeQuery, rcode, rcodeName } from '../wire/constants.ts';
import { longestMessage, newMessage, readMessage, sameQuestion, writeMessage } from '../wire/message.ts';
import type { DnsMessage, Question, ReadMessage } from '../wire/message.ts';
import { createVerifier, signed } from '../wire/tsig.ts';
import type { TsigKey, TsigVerifier } from '../wire/tsig.ts';

export interface DnsTarget {
  /** The server's name in Slipway. */
  server: string;
  host: string;
  port: number;
  /** Null: unsigned. */
  key: TsigKey | null;
}

interface Exchange {
  /** The next answer to the request, verified; `isSettled`: a signature covers it. */
  next(): Promise<{ message: ReadMessage; isSettled: boolean }>;
}

export interface DnsSession {
  /** Sends a request whose answers may be many. */
  begin(request: DnsMessage): Exchange;
  /** A request with one answer. */
  ask(request: DnsMessage): Promise<ReadMessage>;
}

export const question = (name: string, type: number, kind: number = classIn): DnsMessage => ({
  ...newMessage(randomInt(0x10000), opcodeQuery),
  questions: [{ name, type, class: kind }],
});

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

function keyFailure(server: string, error: number, serverTime: number | null): DnsKeyError {
  if (error === badTime) return new DnsClockError(server, serverTime === null ? null : serverTime - nowSeconds());
  if (error === badKey)
    return new DnsKeyError(server, 'it does not know the TSIG key (BADKEY); check tsig_name and tsig_algorithm');
  if (error === badSig) return new DnsKeyError(server, 'the TSIG key has another secret there (BADSIG)');
  return new DnsKeyError(server, `it refuses the TSIG key (error ${error})`);
}

function checkAnswer(server: string, request: DnsMessage, answer: ReadMessage, isFirst: boolean): void {
  const lies = (what: string): never => {
    throw new DnsAnswerError(server, `its answer ${what}`);
  };
  if (answer.id !== request.id || !answer.isResponse || answer.opcode !== request.opcode)
    lies('is not to the question');
  if (answer.isTruncated) lies('is truncated');
  const [asked] = request.questions;
  const [told] = answer.questions;
  // Errors, answers to updates, and later messages of a transfer may leave the question out.
  const mayLack = answer.rcode !== rcode.noError || !isFirst || request.opcode !== opcodeQuery;
  if (told === undefined ? !mayLack : !asked || !sameQuestion(asked, told)) lies('is to another question');
}

function verify(server: string, verifier: TsigVerifier, bytes: Buffer, message: ReadMessage): boolean {
  const verdict = verifier.check(bytes, message, nowSeconds());
  if (verdict.state === 'error') throw keyFailure(server, verdict.error, verdict.serverTime);
  if (verdict.state !== 'false') return verdict.state === 'signed';
  const code = message.rcode === rcode.noError ? '' : ` (${rcodeName(message.rcode)})`;
  throw new DnsAnswerError(server, `its answer cannot be trusted: ${verdict.reason}${code}`);
}

function sessionOf({ server, key }: DnsTarget, channel: Channel): DnsSession {
  const begin = (request: DnsMessage): Exchange => {
    const plain = writeMessage(request);
    const { bytes, mac } = key ? signed(plain, key, nowSeconds()) : { bytes: plain, mac: null };
    if (bytes.length > longestMessage) throw new DnsChangeTooLongError(server, longestMessage);
    const verifier = key && mac && createVerifier(key, mac);
    let isFirst = true;
    channel.send(bytes);
    return {
      next: async () => {
        const answer = await channel.receive();
        if (answer === null) throw new DnsAnswerError(server, 'it closed the connection without an answer');
        const message = understood(server, () => readMessage(answer));
        const isSettled = verifier ? verify(server, verifier, answer, message) : true;
        checkAnswer(server, request, message, isFirst);
        isFirst = false;
        return { message, isSettled };
      },
    };
  };
  return {
    begin,
    ask: async (request) => (await begin(request).next()).message,
  };
}

/** Reads what a server sent; what does not add up is DnsAnswerError. */
export function understood<T>(server: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WireFormatError || error instanceof RangeError)
      throw new DnsAnswerError(server, 'its answer is not a DNS message that adds up');
    throw error;
  }
}

/** Runs a session. */
export const withSession = <T>(
  target: DnsTarget,
  network: DnsNetwork,
  work: (session: DnsSession) => Promise<T>,
  isZone = false,
): Promise<T> => {
  const { server, host, port } = target;
  return withChannel({ server, host, port, framing: 'dns', isZone }, network, (channel) =>
    work(sessionOf(target, channel)),
  );
};

export type { Question };
