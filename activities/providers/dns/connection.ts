// A TCP connection of framed messages (DNS: a length of 2 bytes; rndc: of 4). It goes to an address that was judged in this
// very connection's lookup, and ends at its deadline, however slowly the answer drips.
import { connect } from 'node:net';
import type { LookupFunction, Socket } from 'node:net';
import { isNever, literalAddress } from '../../../kit/addresses.ts';
import { addressesOf, listeningOn } from '../addresses.ts';
import type { HostPort } from '../addresses.ts';
import {
  DnsAddressError,
  DnsAnswerError,
  DnsAnswerTooLongError,
  DnsError,
  DnsTimeoutError,
  DnsUnreachableError,
} from './errors.ts';
import type { DnsNetwork } from './network.ts';

export interface Channel {
  send(message: Buffer): void;
  /** The next message; null when the server has closed the connection. */
  receive(): Promise<Buffer | null>;
}

interface ChannelWish extends HostPort {
  /** The server's name in Slipway. */
  server: string;
  framing: 'dns' | 'rndc';
  /** A whole zone: more time, and a longer answer. */
  isZone?: boolean;
}

const longestRndcMessage = 2 ** 20;

/** The addresses of a host, all of them judged. */
async function judged({ server, host, port }: ChannelWish, network: DnsNetwork): Promise<string[]> {
  const bare = literalAddress(host) ?? host;
  const own = await listeningOn(network.own, port);
  const found = await addressesOf(bare).catch((): never => {
    throw new DnsUnreachableError(server, 'its name cannot be resolved');
  });
  if (found.length === 0) throw new DnsUnreachableError(server, 'its name has no address');
  if (found.some((address) => isNever(address) || own.has(address) || !network.allows(bare, address)))
    throw new DnsAddressError(server);
  return found;
}

const lookupOf =
  (addresses: readonly string[]): LookupFunction =>
  (_host, options, callback) => {
    const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = all;
    if (options.all) callback(null, all);
    else callback(null, first?.address ?? '', first?.family);
  };

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no connection';

async function opened(wish: ChannelWish, network: DnsNetwork): Promise<Socket> {
  const addresses = await judged(wish, network);
  const { server, host, port } = wish;
  const socket = connect({ host, port, lookup: lookupOf(addresses), noDelay: true });
  const { connectMs } = network.limits;
  const late = setTimeout(
    () => socket.destroy(new DnsUnreachableError(server, `no connection within ${connectMs / 1000} s`)),
    connectMs,
  );
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  } catch (error) {
    if (error instanceof DnsError) throw error;
    throw new DnsUnreachableError(server, `no connection to port ${port} (${codeOf(error)})`);
  } finally {
    clearTimeout(late);
  }
}

/** Runs work over a connection, which ends with it. Throws DnsError. */
export async function withChannel<T>(
  wish: ChannelWish,
  network: DnsNetwork,
  work: (channel: Channel) => Promise<T>,
): Promise<T> {
  const { server, framing, isZone = false } = wish;
  const { callMs, callBytes, zoneMs, zoneBytes } = network.limits;
  const [ms, limit] = isZone ? [zoneMs, zoneBytes] : [callMs, callBytes];
  const socket = await opened(wish, network);
  const deadline = setTimeout(() => socket.destroy(new DnsTimeoutError(server, ms / 1000)), ms);
  try {
    return await work(channelOf(socket, { server, limit, prefix: framing === 'dns' ? 2 : 4 }));
  } catch (error) {
    if (error instanceof DnsError) throw error;
    if (error instanceof Error && 'code' in error && 'syscall' in error)
      throw new DnsAnswerError(server, `it broke the connection off (${codeOf(error)})`);
    throw error;
  } finally {
    clearTimeout(deadline);
    socket.on('error', () => undefined);
    socket.destroy();
  }
}

interface Framing {
  server: string;
  limit: number;
  prefix: 2 | 4;
}

function channelOf(socket: Socket, { server, limit, prefix }: Framing): Channel {
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const parts: Buffer[] = [];
  let held = 0;
  let total = 0;
  /** Exactly so many bytes; null at the end of the connection. */
  async function take(size: number): Promise<Buffer | null> {
    while (held < size) {
      const chunk = await chunks.next();
      if (chunk.done) return null;
      total += chunk.value.length;
      if (total > limit) throw new DnsAnswerTooLongError(server, limit);
      parts.push(chunk.value);
      held += chunk.value.length;
    }
    const all = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    held -= size;
    parts.splice(0, parts.length, ...(held > 0 ? [all.subarray(size)] : []));
    return all.subarray(0, size);
  }
  return {
    send: (message) => {
      const length = Buffer.alloc(prefix);
      length.writeUIntBE(message.length, 0, prefix);
      socket.write(Buffer.concat([length, message]));
    },
    receive: async () => {
      const length = await take(prefix);
      if (length === null && held === 0) return null;
      const size = length?.readUIntBE(0, prefix) ?? 0;
      if (prefix === 4 && size > longestRndcMessage) throw new DnsAnswerTooLongError(server, longestRndcMessage);
      const message = length && (await take(size));
      if (!message) throw new DnsAnswerError(server, 'its answer breaks off');
      return message;
    },
  };
}
