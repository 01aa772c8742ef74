// Zones of PowerDNS.
import type { Soa } from '../../../../kit/dns/types.ts';
import { DnsAnswerError, DnsZoneMissingError } from '../errors.ts';
import type { NewZone, ServerSet, ZoneDnssec, ZoneInfo } from '../driver.ts';
import type { PowerDnsAccess } from '../access.ts';
import { longestBody, zonePath } from './api.ts';
import type { PowerDnsApi } from './api.ts';
import { apiName, nameOf, newPatch } from './sets.ts';
import { contentsShape, metadataShape, zoneShape, zonesShape } from './shapes.ts';
import type { ApiRrset, ApiZone, RrsetPatch } from './shapes.ts';

/** Slave, Consumer and Producer are not ours to change. */
const isPrimary = (kind: string): boolean => /^(?:native|master|primary)$/i.test(kind);

export const servedSerial = ({ edited_serial: edited, serial }: ApiZone): number => edited ?? serial;

async function dnssecOf(api: PowerDnsApi, zone: ApiZone): Promise<ZoneDnssec> {
  if (!zone.dnssec) return 'unsigned';
  const name = nameOf(zone.name);
  const path = zonePath(name, '/metadata/PRESIGNED');
  const { metadata } = await api.call({ method: 'GET', path, zone: name }, metadataShape);
  return metadata.includes('1') ? 'presigned' : 'signed';
}

async function infoOf(api: PowerDnsApi, zone: ApiZone): Promise<ZoneInfo> {
  return {
    name: nameOf(zone.name),
    kind: isPrimary(zone.kind) ? 'primary' : 'secondary',
    dnssec: await dnssecOf(api, zone),
    // A zone without an SOA, or a secondary before its first transfer.
    serial: zone.serial === 0 ? null : servedSerial(zone),
  };
}

export const apiZone = (api: PowerDnsApi, zone: string): Promise<ApiZone> =>
  api.call({ method: 'GET', path: zonePath(zone), query: { rrsets: 'false' }, zone }, zoneShape);

export const zoneInfo = async (api: PowerDnsApi, zone: string): Promise<ZoneInfo> =>
  infoOf(api, await apiZone(api, zone));

export async function listZones(api: PowerDnsApi): Promise<ZoneInfo[]> {
  const infos: ZoneInfo[] = [];
  for (const zone of await api.call({ method: 'GET', path: '/zones', isZone: true }, zonesShape))
    try {
      infos.push(await infoOf(api, zone));
    } catch (error) {
      // Removed meanwhile.
      if (!(error instanceof DnsZoneMissingError)) throw error;
    }
  return infos;
}

/** Every rrset of a zone, those of the server too. */
export async function wholeZone(api: PowerDnsApi, zone: string): Promise<{ zone: ApiZone; rrsets: ApiRrset[] }> {
  const found = await api.call({ method: 'GET', path: zonePath(zone), isZone: true, zone }, contentsShape);
  return { zone: found, rrsets: found.rrsets };
}

const soaContent = /^(\S+)\s+(\S+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)$/;

/** The SOA among a zone's rrsets, with the serial that is served. */
export function soaOf(server: string, zone: ApiZone, rrsets: readonly ApiRrset[]): Soa {
  const content = rrsets.find(({ type, name }) => type === 'SOA' && nameOf(name) === nameOf(zone.name))?.records[0]
    ?.content;
  const [, mname, rname, , ...times] = soaContent.exec(content ?? '') ?? [];
  const [refresh, retry, expire, minimum] = times.map(Number);
  if (mname === undefined || rname === undefined || refresh === undefined || retry === undefined)
    throw new DnsAnswerError(server, `the zone ${nameOf(zone.name)} has no SOA that can be read`);
  return {
    mname: nameOf(mname),
    rname: nameOf(rname),
    serial: servedSerial(zone),
    refresh,
    retry,
    expire: expire ?? 0,
    minimum: minimum ?? 0,
  };
}

/** Parts of a body that fit one request each. */
function inChunks(patches: readonly RrsetPatch[]): RrsetPatch[][] {
  const chunks: RrsetPatch[][] = [];
  let room = 0;
  for (const patch of patches) {
    const size = Buffer.byteLength(JSON.stringify(patch)) + 1;
    if (size > room) {
      chunks.push([]);
      room = longestBody - 1_000;
    }
    chunks.at(-1)?.push(patch);
    room -= size;
  }
  return chunks;
}

const isApexOf = (zone: string) => (set: ServerSet) => set.name === zone;

/** Creates a zone with its apex, then the rest as far as one request does not hold all. A failure removes it. */
export async function createZone(api: PowerDnsApi, access: PowerDnsAccess, wish: NewZone): Promise<void> {
  const { name: zone, soa, soaTtl, sets } = wish;
  const names = [soa.mname, soa.rname].map(apiName);
  // PowerDNS sets the serial by `soa_edit_api`.
  const content = [...names, 0, soa.refresh, soa.retry, soa.expire, soa.minimum].join(' ');
  const apexFirst = [...sets.filter(isApexOf(zone)), ...sets.filter((set) => !isApexOf(zone)(set))].map(newPatch);
  const [first = [], ...rest] = inChunks(apexFirst);
  const soaSet = { name: apiName(zone), type: 'SOA', ttl: soaTtl, records: [{ content, disabled: false }] };
  const body = {
    name: apiName(zone),
    kind: access.zoneKind,
    nameservers: [],
    soa_edit_api: 'DEFAULT',
    rrsets: [soaSet, ...first.map(({ changetype: _, ...set }) => set)],
    ...(access.catalog !== null && access.zoneKind === 'Master' && { catalog: apiName(access.catalog) }),
  };
  await api.send({ method: 'POST', path: '/zones', body, isZone: true, zone });
  try {
    for (const rrsets of rest)
      await api.send({ method: 'PATCH', path: zonePath(zone), body: { rrsets }, isZone: true, zone });
  } catch (error) {
    await deleteZone(api, zone);
    throw error;
  }
}

export async function deleteZone(api: PowerDnsApi, zone: string): Promise<void> {
  try {
    await api.send({ method: 'DELETE', path: zonePath(zone), isZone: true, zone });
  } catch (error) {
    if (!(error instanceof DnsZoneMissingError)) throw error;
  }
}
