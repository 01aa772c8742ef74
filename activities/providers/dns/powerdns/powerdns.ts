// PowerDNS by its HTTP API. Values go in its presentation form; comments are never sent, so they stay.
import { DnsAnswerError } from '../errors.ts';
import type { PowerDnsAccess } from '../access.ts';
import type { DnsDriver } from '../driver.ts';
import type { Http } from '../http.ts';
import { createPowerDnsApi, zonePath } from './api.ts';
import { change, readSets } from './change.ts';
import { setsOf } from './sets.ts';
import { contentsShape, serverShape, settingShape } from './shapes.ts';
import { createZone, deleteZone, listZones, soaOf, wholeZone, zoneInfo } from './zones.ts';

/** Creates the driver of one server. */
export function createPowerDns(access: PowerDnsAccess, http: Http): DnsDriver {
  const { server } = access;
  const api = createPowerDnsApi(access, http);
  return {
    server,
    keepsDisabled: true,
    check: async () => {
      const { version, daemon_type: daemon } = await api.call({ method: 'GET', path: '' }, serverShape);
      if (daemon !== 'authoritative')
        throw new DnsAnswerError(server, 'it is a PowerDNS, but not an authoritative server');
      return { version, canCreateZones: true, detail: '' };
    },
    zones: () => listZones(api),
    zone: (name) => zoneInfo(api, name),
    soa: async (zone) => {
      const query = { rrset_name: `${zone}.`, rrset_type: 'SOA' };
      const found = await api.call({ method: 'GET', path: zonePath(zone), query, zone }, contentsShape);
      return soaOf(server, found, found.rrsets);
    },
    read: async (name) => {
      const { zone, rrsets } = await wholeZone(api, name);
      return { soa: soaOf(server, zone, rrsets), sets: setsOf(rrsets) };
    },
    readSets: (zone, keys) => readSets(api, zone, keys),
    change: (zone, changes) => change(api, server, zone, changes),
    createZone: (zone) => createZone(api, access, zone),
    removable: async () => true,
    deleteZone: (name) => deleteZone(api, name),
    zoneFile: (zone) => api.text({ method: 'GET', path: zonePath(zone, '/export'), isZone: true, zone }),
    servesAlias: async () => {
      const settings = await api.call({ method: 'GET', path: '/config' }, settingShape);
      return settings.some(({ name, value }) => name === 'expand-alias' && value === 'yes');
    },
  };
}
