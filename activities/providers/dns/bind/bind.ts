// BIND: dynamic updates and transfers signed with TSIG, zones by rndc, health and the list of zones by the statistics channel.
import { absolute } from '../../../../kit/dns/labels.ts';
import { soaValue, toPresentation } from '../../../../kit/dns/rdata.ts';
import type { BindAccess, SharedKey } from '../access.ts';
import type { DnsDriver, ServerCheck, ZoneDnssec, ZoneInfo, ZoneKind } from '../driver.ts';
import { DnsZoneMissingError } from '../errors.ts';
import { createHttp } from '../http.ts';
import type { DnsNetwork } from '../network.ts';
import type { DnsTarget } from './client.ts';
import { createControl } from './control.ts';
import type { Control } from './control.ts';
import { queryVersion, queryZone, querySoa } from './queries.ts';
import type { ZoneFacts } from './queries.ts';
import { createRndc } from './rndc.ts';
import type { SeedServer } from './seed.ts';
import { readStatistics } from './statistics.ts';
import type { Statistics } from './statistics.ts';
import { transfer } from './transfer.ts';
import type { Transferred } from './transfer.ts';
import { ZoneUpdate } from './update.ts';
import { createBindZones } from './zones.ts';
import type { BindZones } from './zones.ts';

const secretOf = ({ algorithm, secret }: SharedKey) => ({ algorithm, secret: Buffer.from(secret, 'base64') });

const dnsPort = 53;

function targetOf({ server, endpoint, dnsPort: port, tsig }: BindAccess): DnsTarget {
  const url = new URL(endpoint);
  const own = url.protocol === 'dns:' && url.port !== '' ? Number(url.port) : dnsPort;
  const key = tsig && { name: tsig.name.toLowerCase().replace(/\.$/, ''), ...secretOf(tsig) };
  return { server, host: url.hostname, port: port ?? own, key };
}

function dnssecOf({ isSigned, signsItself }: ZoneFacts, status: { signsItself: boolean } | null): ZoneDnssec {
  if (!isSigned) return 'unsigned';
  return signsItself || status?.signsItself === true ? 'signed' : 'presigned';
}

const unsignedUpdates = 'updates go unsigned, as no TSIG key is set';

/** A master file without the records that belong to the server, except the SOA. */
function masterFile(zone: string, { soa, soaTtl, sets }: Transferred): string {
  const line = (name: string, ttl: number, type: string, value: string): string =>
    `${absolute(name)}\t${ttl}\tIN\t${type}\t${toPresentation(type, value)}`;
  const lines = sets.flatMap(({ name, ttl, type, values }) => values.map((value) => line(name, ttl, type, value)));
  return `${[line(zone, soaTtl, 'SOA', soaValue(soa)), ...lines].join('\n')}\n`;
}

class Bind implements DnsDriver {
  readonly server: string;
  readonly keepsDisabled = false;
  readonly #access: BindAccess;
  readonly #network: DnsNetwork;
  readonly #target: DnsTarget;
  readonly #control: Control | null;
  readonly #zones: BindZones;

  constructor(access: BindAccess, network: DnsNetwork, seed: SeedServer | null) {
    const { server, rndc, rndcPort: port } = access;
    this.server = server;
    this.#access = access;
    this.#network = network;
    this.#target = targetOf(access);
    const { host } = this.#target;
    this.#control = rndc && createControl(access, createRndc({ server, host, port, key: secretOf(rndc) }, network));
    this.#zones = createBindZones({ access, target: this.#target, network, control: this.#control, seed });
  }

  /** Null: the endpoint is not that of a statistics channel. */
  async #statistics(): Promise<Statistics | null> {
    const { endpoint, view } = this.#access;
    if (!/^https?:/.test(endpoint)) return null;
    return readStatistics(this.server, createHttp(this.server, this.#network), endpoint, view);
  }

  async check(): Promise<ServerCheck> {
    const version = await queryVersion(this.#target, this.#network);
    const statistics = await this.#statistics();
    const controlled = await this.#control?.version();
    return {
      version: statistics?.version ?? controlled ?? version,
      canCreateZones: (await this.#control?.canCreateZones()) ?? false,
      detail: this.#access.tsig ? '' : unsignedUpdates,
    };
  }

  async zones(): Promise<readonly ZoneInfo[] | null> {
    const statistics = await this.#statistics();
    if (!statistics) return null;
    const infos: ZoneInfo[] = [];
    for (const { name, kind, serial } of statistics.zones)
      infos.push({ name, kind, serial, dnssec: await this.#listedDnssec(name, kind) });
    return infos;
  }

  /** A zone that cannot be looked at, such as one not loaded, does not keep the others from being listed. */
  async #listedDnssec(name: string, kind: ZoneKind): Promise<ZoneDnssec> {
    try {
      const facts = await queryZone(this.#target, this.#network, name);
      return kind === 'secondary' && facts.isSigned ? 'presigned' : dnssecOf(facts, null);
    } catch (error) {
      if (error instanceof DnsZoneMissingError) return 'unsigned';
      throw error;
    }
  }

  async zone(name: string): Promise<ZoneInfo> {
    const facts = await queryZone(this.#target, this.#network, name);
    const status = (await this.#control?.status(name)) ?? null;
    const listed = status ? null : (await this.#statistics())?.zones.find((zone) => zone.name === name);
    const kind = status?.kind ?? listed?.kind ?? 'primary';
    return { name, kind, dnssec: dnssecOf(facts, status), serial: facts.soa.serial };
  }

  soa(zone: string) {
    return querySoa(this.#target, this.#network, zone);
  }

  async read(zone: string) {
    const { soa, sets } = await transfer(this.#target, this.#network, zone);
    return { soa, sets };
  }

  #update(zone: string): ZoneUpdate {
    return new ZoneUpdate(this.#target, this.#network, zone);
  }

  readSets: DnsDriver['readSets'] = (zone, keys) => this.#update(zone).lookUp(keys);
  change: DnsDriver['change'] = (zone, changes) => this.#update(zone).change(changes);
  createZone: DnsDriver['createZone'] = (zone) => this.#zones.create(zone);
  removable: DnsDriver['removable'] = (zone) => this.#zones.removable(zone);
  deleteZone: DnsDriver['deleteZone'] = (zone) => this.#zones.remove(zone);

  async zoneFile(zone: string): Promise<string> {
    return masterFile(zone, await transfer(this.#target, this.#network, zone));
  }

  async servesAlias(): Promise<boolean> {
    return false;
  }
}

/** Creates the driver of one server; `seed` is where Slipway hands out new zones, if it does. */
export const createBind = (access: BindAccess, network: DnsNetwork, seed: SeedServer | null): DnsDriver =>
  new Bind(access, network, seed);
