// A DNS server of one zone for one transfer: SOA by UDP and TCP, AXFR by TCP, to whoever signs with the key.
import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { typeNumber, soaToRdata, valueToRdata } from '../../../../kit/dns/rdata.ts';
import type { NewZone } from '../driver.ts';
import { DnsServerFailedError } from '../errors.ts';
import type { HostPort } from '../../addresses.ts';
import { classIn, opcodeQuery, rcode, typeAxfr, typeSoa } from '../wire/constants.ts';
import { newMessage, readMessage, writeMessage } from '../wire/message.ts';
import type { DnsMessage, ReadMessage, Resource } from '../wire/message.ts';
import { createVerifier, readTsig, signed } from '../wire/tsig.ts';
import type { TsigKey } from '../wire/tsig.ts';

const typeIxfr = 251;
/** Bytes of records in one message of a transfer. */
const roomForRecords = 32_000;
const longestRequest = 4_096;

function recordsOf({ name, soa, soaTtl, sets }: NewZone): { soa: Resource; others: Resource[] } {
  const record = (owner: string, type: number, ttl: number, data: Uint8Array): Resource => ({
    name: owner,
    type,
    class: classIn,
    ttl,
    data: Buffer.from(data),
  });
  return {
    soa: record(name, typeSoa, soaTtl, soaToRdata({ ...soa, serial: 1 })),
    others: sets.flatMap((set) =>
      set.values.map((value) => record(set.name, typeNumber(set.type) ?? 0, set.ttl, valueToRdata(set.type, value))),
    ),
  };
}

/** Whether the request is signed by the key, now; without a key every request counts. */
function isTrusted(bytes: Buffer, request: ReadMessage, key: TsigKey | null): boolean {
  if (!key) return true;
  // A request is signed like a first answer, to nothing.
  return createVerifier(key, null).check(bytes, request, nowSeconds()).state === 'signed';
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** The records of each message that answers a question; null: refused. */
function answersTo(zone: string, { soa, others }: ReturnType<typeof recordsOf>, request: ReadMessage, isTcp: boolean) {
  const [asked] = request.questions;
  if (asked?.name !== zone || request.opcode !== opcodeQuery || request.isResponse) return null;
  if (asked.type === typeSoa) return [[soa]];
  if (!isTcp || (asked.type !== typeAxfr && asked.type !== typeIxfr)) return null;
  const messages: Resource[][] = [];
  let room = 0;
  for (const record of [soa, ...others, soa]) {
    const size = record.name.length + 12 + record.data.length;
    if (size > room) {
      messages.push([]);
      room = roomForRecords;
    }
    messages.at(-1)?.push(record);
    room -= size;
  }
  return messages;
}

/** The bytes of every answer to a request; none to what is no DNS message. */
function answer(zone: NewZone, key: TsigKey | null, bytes: Buffer, isTcp: boolean): Buffer[] {
  const request = readMessage(bytes);
  const isOurs = isTrusted(bytes, request, key);
  const found = isOurs ? answersTo(zone.name, recordsOf(zone), request, isTcp) : null;
  let prior = isOurs && request.tsig ? readTsig(request.tsig.record.data).mac : null;
  return (found ?? [[]]).map((answers, index) => {
    const message: DnsMessage = {
      ...newMessage(request.id),
      isResponse: true,
      isAuthoritative: found !== null,
      rcode: found === null ? rcode.refused : rcode.noError,
      questions: request.questions,
      answers,
    };
    const plain = writeMessage(message);
    if (!key || !prior) return plain;
    const { bytes: written, mac } = signed(plain, key, nowSeconds(), { prior, timesOnly: index > 0 });
    prior = mac;
    return written;
  });
}

function serveSocket(socket: Socket, reply: (bytes: Buffer) => Buffer[]): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const size = held.readUInt16BE(0);
      if (size > longestRequest) return void socket.destroy();
      for (const bytes of reply(held.subarray(2, 2 + size))) {
        socket.write(Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]));
      }
      held = held.subarray(2 + size);
    }
  });
}

/** Resolves once both listen. */
const listening = (udp: UdpSocket, tcp: Server, { host, port }: HostPort): Promise<unknown> =>
  Promise.all([
    new Promise<void>((resolve, reject) => {
      udp.once('error', reject);
      udp.bind(port, host, resolve);
    }),
    new Promise<void>((resolve, reject) => {
      tcp.once('error', reject);
      tcp.listen(port, host, resolve);
    }),
  ]);

/** Serves the zone until it is closed. */
export async function serveZone(
  { host, port }: HostPort,
  zone: NewZone,
  key: TsigKey | null,
  server: string,
): Promise<{ close(): Promise<void> }> {
  const reply =
    (isTcp: boolean) =>
    (bytes: Buffer): Buffer[] => {
      try {
        return answer(zone, key, bytes, isTcp);
      } catch {
        return [];
      }
    };
  const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (bytes, from) => {
    for (const one of reply(false)(bytes)) udp.send(one, from.port, from.address);
  });
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serveSocket(socket, reply(true));
  });
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    udp.close();
    await new Promise<void>((resolve) => tcp.close(() => resolve()));
  };
  try {
    await listening(udp, tcp, { host, port });
  } catch (error) {
    await close();
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    throw new DnsServerFailedError(
      server,
      `Slipway cannot listen at SLIPWAY_DNS_SEED_LISTEN (${code}); another creation may be at work`,
    );
  }
  return { close };
}
