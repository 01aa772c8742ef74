// Lists the master's accepted minions with their cached grains, without contacting them.
import { unavailable } from '../../error.ts';
import type { Minion } from '../minions.ts';
import { isRecord } from './api.ts';
import type { SaltApi } from './api.ts';

/** Minions per query for grains: some kilobytes each. */
const pageSize = 250;
/** Addresses unreachable from other machines. */
const ownAddress = /^(127\.|169\.254\.|::1$|fe[89ab][0-9a-f]:)/i;

async function idsOf(api: SaltApi, fun: 'manage.list_state' | 'manage.list_not_state'): Promise<string[]> {
  const ids = await api.ask({ client: 'runner', fun });
  if (Array.isArray(ids)) return ids.map(String);
  throw unavailable('salt', `the master does not answer ${fun} with a list`);
}

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '');
const countIn = (value: unknown): number | null => (Number.isSafeInteger(value) ? Number(value) : null);
const listIn = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** A minion from its last grains; without any, only its name is known. */
function minionIn(id: string, grains: unknown): Minion {
  const of = isRecord(grains) ? grains : {};
  return {
    id,
    addresses: [...listIn(of['ipv4']), ...listIn(of['ipv6'])].filter((address) => !ownAddress.test(address)),
    cpu: countIn(of['num_cpus']),
    memory: countIn(of['mem_total']),
    osType: textIn(of['osfinger']) || textIn(of['os']),
  };
}

/** Every minion with an accepted key, in pages. */
export async function* minionsOfMaster(api: SaltApi): AsyncIterable<Minion[]> {
  const present = await idsOf(api, 'manage.list_state');
  const away = await idsOf(api, 'manage.list_not_state');
  const ids = [...new Set([...present, ...away])].sort();
  for (let start = 0; start < ids.length; start += pageSize) {
    const page = ids.slice(start, start + pageSize);
    const kwarg = { tgt: page, tgt_type: 'list' };
    const grains = await api.ask({ client: 'runner', fun: 'cache.grains', kwarg });
    if (!isRecord(grains)) throw unavailable('salt', 'the master does not say what minions have told of themselves');
    yield page.map((id) => minionIn(id, grains[id]));
  }
}
