// A change of sets on PowerDNS: read, compare, write in one request, read again. A server on SQLite answers parallel writes
// with 500; then the sets are read again, and the request is repeated unless it took effect.
import { DnsNotAppliedError, DnsServerFailedError, DnsSetsDifferError } from '../errors.ts';
import type { DnsError } from '../errors.ts';
import type { ChangeOutcome, SetChange, SetKey } from '../driver.ts';
import { keyOf, notApplied, standing } from '../sets.ts';
import { PowerDnsRefusedError, zonePath } from './api.ts';
import type { PowerDnsApi } from './api.ts';
import { inServersForm, nameOf, patchOf, setsOf } from './sets.ts';
import { foundShape } from './shapes.ts';
import type { ApiRrset, ApiZone, RrsetPatch } from './shapes.ts';
import { apiZone, servedSerial, wholeZone } from './zones.ts';

/** Names looked up one by one; with more the whole zone is read. */
const mostLookups = 10;
/** Hits of one search. A name that so many values mention is read with the whole zone. */
const mostHits = 1_000;
const attempts = 3;
/** Records whose form PowerDNS corrects, one a request. */
const mostCorrections = 50;

/** The rrsets of one name; null when the search finds too much. PowerDNS's own filter of zones leaves out disabled records. */
async function rrsetsAt(api: PowerDnsApi, zone: ApiZone, name: string): Promise<ApiRrset[] | null> {
  const query = { q: name, max: String(mostHits), object_type: 'record' };
  const hits = await api.call({ method: 'GET', path: '/search-data', query }, foundShape);
  if (hits.length >= mostHits) return null;
  const rrsets = new Map<string, ApiRrset>();
  for (const hit of hits) {
    if (hit.object_type !== 'record' || hit.zone_id !== zone.id || nameOf(hit.name) !== name) continue;
    const rrset = rrsets.get(hit.type) ?? { name: hit.name, type: hit.type, ttl: hit.ttl, records: [] };
    rrset.records.push({ content: hit.content, disabled: hit.disabled });
    rrsets.set(hit.type, rrset);
  }
  return [...rrsets.values()];
}

async function rrsetsOf(api: PowerDnsApi, zone: ApiZone, keys: readonly SetKey[]): Promise<ApiRrset[]> {
  const wanted = new Set(keys.map(keyOf));
  const names = [...new Set(keys.map(({ name }) => name))];
  const isWanted = ({ name, type }: ApiRrset): boolean => wanted.has(keyOf({ name: nameOf(name), type }));
  const found: ApiRrset[] = [];
  if (names.length <= mostLookups) {
    for (const name of names) {
      const here = await rrsetsAt(api, zone, name);
      if (here === null) break;
      found.push(...here);
      if (name === names.at(-1)) return found.filter(isWanted);
    }
  }
  return (await wholeZone(api, nameOf(zone.name))).rrsets.filter(isWanted);
}

export async function readSets(api: PowerDnsApi, zone: string, keys: readonly SetKey[]) {
  return setsOf(await rrsetsOf(api, await apiZone(api, zone), keys));
}

/** Deletions come first: PowerDNS checks each set against those before it. */
const inOrder = (patches: readonly RrsetPatch[]): RrsetPatch[] => [
  ...patches.filter(({ changetype }) => changetype === 'DELETE'),
  ...patches.filter(({ changetype }) => changetype === 'REPLACE'),
];

/** Sends the request; where PowerDNS wants another form of the same value, in that form. */
async function send(api: PowerDnsApi, zone: string, patches: readonly RrsetPatch[]): Promise<void> {
  let rrsets = inOrder(patches);
  for (let correction = 0; ; correction += 1)
    try {
      await api.send({ method: 'PATCH', path: zonePath(zone), body: { rrsets }, zone });
      return;
    } catch (error) {
      const other = error instanceof PowerDnsRefusedError ? inServersForm(rrsets, error.said) : null;
      if (other === null || correction >= mostCorrections) throw error;
      rrsets = other;
    }
}

/** Secondaries look by themselves too, so a notification that fails is no failure of the change. */
async function afterwards(api: PowerDnsApi, zone: ApiZone): Promise<void> {
  const name = nameOf(zone.name);
  if (zone.dnssec) await api.send({ method: 'PUT', path: zonePath(name, '/rectify'), zone: name });
  if (/^(?:master|primary)$/i.test(zone.kind))
    await api.send({ method: 'PUT', path: zonePath(name, '/notify'), zone: name }).catch(() => undefined);
}

/** Carries out the change; see DnsDriver. */
export async function change(
  api: PowerDnsApi,
  server: string,
  zone: string,
  changes: readonly SetChange[],
): Promise<ChangeOutcome> {
  const info = await apiZone(api, zone);
  let failed: DnsError | null = null;
  let effect: ChangeOutcome['effect'] = 'already';
  for (let attempt = 1; ; attempt += 1) {
    const held = await rrsetsOf(api, info, changes);
    const found = standing(changes, setsOf(held));
    if (found.state === 'as_after') break;
    if (effect === 'changed') throw new DnsNotAppliedError(server, notApplied(changes, setsOf(held)), false);
    if (found.state === 'other') throw new DnsSetsDifferError(server, found.sets);
    if (failed !== null && attempt > attempts) throw failed;
    // Otherwise no serial moves, and no secondary sees the change.
    if (info.soa_edit_api === '')
      await api.send({ method: 'PUT', path: zonePath(zone), body: { soa_edit_api: 'DEFAULT' }, zone });
    const byKey = new Map(held.map((rrset) => [keyOf({ name: nameOf(rrset.name), type: rrset.type }), rrset]));
    try {
      await send(
        api,
        zone,
        changes.map((one) => patchOf(one, byKey.get(keyOf(one)))),
      );
      effect = 'changed';
    } catch (error) {
      if (!(error instanceof DnsServerFailedError)) throw error;
      failed = error;
    }
  }
  await afterwards(api, info);
  return { serial: servedSerial(await apiZone(api, zone)), effect: failed === null ? effect : 'changed' };
}
