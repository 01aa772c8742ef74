// The master's keys of minions, by its wheel modules. Fingerprints are computed here from the keys: the master's depend on
// its `hash_type`, and in some versions (3008) cover other parts of a key than the minion's.
import { createHash } from 'node:crypto';
import { ProviderError, refused, unavailable } from '../../error.ts';
import { keyStates } from '../minions.ts';
import type { KeyState, MinionKeys } from '../minions.ts';
import { isRecord, SaltApi } from './api.ts';
import type { SaltSettings } from './api.ts';

const provider = 'salt';
/** The master's folder names. */
const folders: Record<KeyState, string> = {
  accepted: 'minions',
  pending: 'minions_pre',
  rejected: 'minions_rejected',
  denied: 'minions_denied',
};
const isFingerprint = /^([0-9a-f]{2}:){31}[0-9a-f]{2}$/;

export class SaltKeys implements MinionKeys {
  readonly master: string;
  readonly #api: SaltApi;

  constructor(settings: SaltSettings, master: string) {
    this.master = master;
    this.#api = new SaltApi(settings);
  }

  async masterFingerprint(): Promise<string> {
    const answer = await this.#wheel('key.finger_master', { hash_type: 'sha256' });
    const local = isRecord(answer) ? answer['local'] : null;
    const found = isRecord(local) ? local['master.pub'] : null;
    if (typeof found === 'string' && isFingerprint.test(found)) return found;
    throw notUnderstood();
  }

  async of(minion: string): Promise<Partial<Record<KeyState, string>>> {
    // A minion's name has no special pattern characters.
    const answer = await this.#wheel('key.print', { match: minion });
    if (!isRecord(answer)) throw notUnderstood();
    const found: Partial<Record<KeyState, string>> = {};
    for (const state of keyStates) {
      const keys = answer[folders[state]];
      if (!isRecord(keys) || !(minion in keys)) continue;
      // A minion may have several denied keys.
      const [key] = [keys[minion]].flat();
      if (typeof key !== 'string') throw notUnderstood();
      found[state] = fingerprintOf(key);
    }
    return found;
  }

  async accept(minion: string): Promise<void> {
    // A pattern accepts pending keys only; `accept_dict` any key of the name.
    await this.#wheel('key.accept', { match: minion });
  }

  async #wheel(fun: string, more: Record<string, string>): Promise<unknown> {
    const answer = await this.#asked(fun, more);
    const data = isRecord(answer) ? answer['data'] : null;
    if (!isRecord(data) || data['success'] !== true) throw unavailable(provider, `the Salt master fails at ${fun}`);
    return data['return'];
  }

  async #asked(fun: string, more: Record<string, string>): Promise<unknown> {
    try {
      return await this.#api.ask({ ...more, client: 'wheel', fun });
    } catch (error) {
      if (!(error instanceof ProviderError) || error.kind !== 'refused') throw error;
      throw refused(
        provider,
        `${error.message}; for SLIPWAY_SALT_MASTER he needs @wheel, and salt-api wheel among its netapi_enable_clients`,
      );
    }
  }
}

/** sha256 of a PEM key without its first and last line, in hexadecimal with colons, as Salt shows it. */
export function fingerprintOf(pem: string): string {
  const lines = pem.split(/\r?\n/).filter((line) => line.trim() !== '');
  const body = lines.slice(1, -1).map((line) => `${line}\n`);
  const hash = createHash('sha256').update(body.join('')).digest('hex');
  return hash.replace(/..(?=.)/g, '$&:');
}

const notUnderstood = (): ProviderError =>
  unavailable(provider, 'the Salt master says of its keys what is not understood');
