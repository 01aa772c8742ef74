// The part of salt-api that is about keys: logins, and the wheel modules `key.finger_master`, `key.print` and `key.accept` with
// their answers and refusals as a master of Salt 3008 gives them. It keeps its keys, and takes a token only from its owner.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { fingerprintOf } from '../../../activities/providers/runner/salt/keys.ts';
import { serveDouble } from './double.ts';
import type { Double, Exchange, DoubleReply } from './double.ts';

const folders = ['minions', 'minions_pre', 'minions_rejected', 'minions_denied'] as const;
type Folder = (typeof folders)[number];

export interface SaltMaster {
  double: Double;
  settings: { url: string; user: string; password: string; eauth: string };
  fingerprint: string;
  keys: Record<Folder, Map<string, string>>;
  /** Whether the user may use wheel modules. */
  mayAsk: boolean;
  /** What the next wheel call ends with instead, as when a module fails. */
  failsWith: string | null;
  /** Minions whose keys it was asked to accept. */
  accepted: string[];
}

/** A public key as a minion or a master has it. */
export const publicKey = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString();

interface Low {
  [name: string]: string | undefined;
  client?: string;
  fun?: string;
  match?: string;
}

const reply = (status: number, body: object): DoubleReply => ({ status, body: JSON.stringify(body) });
const refused = reply(401, { status: 401, return: 'Authentication error occurred.' });

/** What the wheel modules do, by name. */
const wheels: Record<string, (master: SaltMaster, low: Low) => unknown> = {
  'key.finger_master': ({ fingerprint }, { hash_type }) => {
    if (hash_type !== 'sha256') throw new Error('another kind of fingerprint is asked for');
    return { local: { 'master.pub': fingerprint } };
  },
  'key.print': ({ keys }, { match = '' }) => {
    const found = folders.filter((name) => keys[name].has(match));
    return Object.fromEntries(found.map((name) => [name, { [match]: keys[name].get(match) }]));
  },
  'key.accept': ({ keys, accepted }, { match = '' }) => {
    const key = keys.minions_pre.get(match);
    if (key === undefined) return {};
    accepted.push(match);
    keys.minions_pre.delete(match);
    keys.minions.set(match, key);
    return { minions: [match] };
  },
};

export async function serveSaltKeys(): Promise<SaltMaster> {
  const settings = { user: 'slipway', password: `secret-${randomUUID()}`, eauth: 'pam' };
  const tokens = new Set<string>();
  const keys = Object.fromEntries(folders.map((name) => [name, new Map<string, string>()])) as SaltMaster['keys'];

  const login = ({ body }: Exchange): DoubleReply => {
    const { username, password, eauth } = JSON.parse(body) as Record<string, string>;
    if (username !== settings.user || password !== settings.password || eauth !== settings.eauth) return refused;
    const token = randomUUID();
    tokens.add(token);
    return reply(200, { return: [{ token, eauth }] });
  };
  const wheel = (low: Low): DoubleReply => {
    const { client, fun = '' } = low;
    if (client !== 'wheel' || !master.mayAsk) return refused;
    const failure = master.failsWith ?? (fun in wheels ? null : `'${fun}' is not available.`);
    const data =
      failure === null ? { return: wheels[fun]?.(master, low), success: true } : { return: failure, success: false };
    return reply(200, { return: [{ tag: 'salt/wheel/1', data: { fun: `wheel.${fun}`, ...data } }] });
  };
  const double = await serveDouble({
    isPower: ({ body }) => body.includes('key.accept'),
    act: (exchange) => {
      if (exchange.url.pathname === '/login') return login(exchange);
      if (!tokens.has(String(exchange.headers['x-auth-token']))) return refused;
      return wheel((JSON.parse(exchange.body) as Low[])[0] ?? {});
    },
    say: () => refused,
  });
  const master: SaltMaster = {
    double,
    settings: { ...settings, url: double.url },
    fingerprint: fingerprintOf(publicKey()),
    keys,
    mayAsk: true,
    failsWith: null,
    accepted: [],
  };
  return master;
}
