// One authenticated connection to one host. We create the socket, so that the address is checked at resolution.
import { connect as connectSocket } from 'node:net';
import type { Socket } from 'node:net';
import { Client } from 'ssh2';
import type { ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2';
import { isNeverHost } from '../../../../kit/addresses.ts';
import { checkedLookup, neverCalled } from '../../../../kit/checked-lookup.ts';
import { refused, unavailable } from '../../error.ts';
import type { ProviderError } from '../../error.ts';
import type { RunnerHost } from '../driver.ts';
import { describeKey, knownName, PinnedKeys } from '../../ssh-known-hosts.ts';
import { readKey, readKnownHosts } from './settings.ts';
import type { SshSettings } from './settings.ts';

const connectMs = 10_000;
const readyMs = 20_000;
const keepAliveMs = 10_000;
const algorithms: ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** The host's name in messages. */
export const placeOf = ({ name, address }: RunnerHost, { port }: SshSettings): string =>
  `${name} (${knownName(address ?? name, port)})`;

function openSocket(host: RunnerHost, settings: SshSettings): Promise<Socket> {
  const place = placeOf(host, settings);
  const target = host.address ?? host.name;
  if (isNeverHost(target)) throw refused('ssh', `${place}: ${neverCalled}`);
  return new Promise((resolve, reject) => {
    const socket = connectSocket({
      host: target,
      port: settings.port,
      lookup: checkedLookup(target),
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    const fail = (reason: string): void => {
      socket.destroy();
      reject(unavailable('ssh', `${place} does not answer: ${reason}`));
    };
    socket.setTimeout(connectMs, () => fail('no connection within 10 seconds'));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

function preferred(types: readonly string[]): ServerHostKeyAlgorithm[] {
  const isPinned = (algorithm: string): boolean =>
    types.includes(algorithm) || (algorithm.startsWith('rsa-') && types.includes('ssh-rsa'));
  return [...algorithms.filter(isPinned), ...algorithms.filter((algorithm) => !isPinned(algorithm))];
}

function objection(pinned: PinnedKeys, key: Buffer, place: string): ProviderError | null {
  const verdict = pinned.judge(key);
  const offered = describeKey(key);
  switch (verdict) {
    case 'known':
      return null;
    case 'unknown':
      return refused(
        'ssh',
        `${place} is not in the file of SLIPWAY_SSH_KNOWN_HOSTS; it offers the key ${offered}: ` +
          'compare it on the host, then add the line that ssh-keyscan prints',
      );
    case 'revoked':
      return refused('ssh', `${place} offers the key ${offered}, which SLIPWAY_SSH_KNOWN_HOSTS revokes`);
    case 'changed':
      return refused(
        'ssh',
        `${place} offers the key ${offered}, another one than SLIPWAY_SSH_KNOWN_HOSTS has: ` +
          'either the host was set up anew, or somebody else answers in its place',
      );
  }
}

/** Connects, or throws ProviderError: `unavailable` for an unreachable host, `refused` for wrong keys. */
export async function connect(host: RunnerHost, settings: SshSettings): Promise<{ client: Client; socket: Socket }> {
  const place = placeOf(host, settings);
  const privateKey = await readKey(settings);
  const names = [...new Set([host.address ?? host.name, host.name])].map((name) => knownName(name, settings.port));
  const pinned = new PinnedKeys(await readKnownHosts(settings), names);
  const sock = await openSocket(host, settings);
  const client = new Client();
  let problem: ProviderError | null = null;
  const options: ConnectConfig = {
    sock,
    username: settings.user,
    privateKey,
    readyTimeout: readyMs,
    algorithms: { serverHostKey: preferred(pinned.types) },
    hostVerifier: (key: Buffer) => {
      problem = objection(pinned, key, place);
      return problem === null;
    },
  };
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve);
    client.on('error', (error) => {
      const isRefusal = error.level === 'client-authentication';
      reject(
        problem ??
          (isRefusal
            ? refused('ssh', `${place} refuses the key of SLIPWAY_SSH_KEY_FILE for the user ${settings.user}`)
            : unavailable('ssh', `${place} does not answer: ${error.message}`)),
      );
    });
    client.once('close', () => reject(unavailable('ssh', `${place} closed the connection`)));
    try {
      client.connect(options);
    } catch {
      reject(
        refused('ssh', 'the file of SLIPWAY_SSH_KEY_FILE holds no private key that can be used without a passphrase'),
      );
    }
  }).catch((error: unknown) => {
    client.destroy();
    sock.destroy();
    throw error;
  });
  return { client, socket: sock };
}
