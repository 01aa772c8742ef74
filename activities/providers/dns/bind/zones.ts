// Creation and removal of zones on BIND. `addzone` refuses a primary zone without its file, so the file comes first: by a
// transfer from Slipway, from a template on the server, or laid there by somebody else.
import type { NewZone, SetChange } from '../driver.ts';
import {
  DnsChangeTooLongError,
  DnsError,
  DnsNotAppliedError,
  DnsRefusedError,
  DnsZoneExistsError,
  DnsZonesFixedError,
} from '../errors.ts';
import type { BindAccess } from '../access.ts';
import type { DnsNetwork } from '../network.ts';
import { bySetKey, keyOf, notApplied, sameSet } from '../sets.ts';
import type { DnsTarget } from './client.ts';
import { quotedWord } from './control.ts';
import type { Control } from './control.ts';
import { seedByTransfer } from './seed.ts';
import type { SeedServer } from './seed.ts';
import { transfer } from './transfer.ts';
import { ZoneUpdate } from './update.ts';

export interface BindZones {
  create(zone: NewZone): Promise<void>;
  remove(zone: string): Promise<void>;
  removable(zone: string): Promise<true | string>;
}

interface Parts {
  access: BindAccess;
  target: DnsTarget;
  network: DnsNetwork;
  /** Null: without rndc. */
  control: Control | null;
  /** Null: not configured. */
  seed: SeedServer | null;
}

const withoutRndc = 'zones are created and removed by rndc, and rndc_secret is not set';
const ofConfiguration = 'the zone is of its named.conf, and would be back after a restart';

export function createBindZones({ access, target, network, control, seed }: Parts): BindZones {
  const { server } = access;
  const controlled = (): Control => {
    if (control) return control;
    throw new DnsZonesFixedError(server, withoutRndc);
  };
  const file = (zone: string): string =>
    quotedWord(server, access.zoneFilePattern.replaceAll('{zone}', zone.replaceAll('/', '-')));

  /** What the key may do with a new zone; without a key the server's own settings hold. */
  const rights = (): string => {
    if (!access.tsig) return '';
    const key = quotedWord(server, access.tsig.name);
    return `allow-update { key ${key}; }; allow-transfer { key ${key}; };`;
  };

  const addPrimary = async (zone: string, more = ''): Promise<void> => {
    const outcome = await controlled().add(zone, `type primary; file ${file(zone)}; ${rights()} ${more}`);
    if (outcome === 'no_file')
      throw new DnsRefusedError(server, `it does not find the file ${file(zone)} in its directory`);
  };

  async function begin(wish: NewZone): Promise<void> {
    const { zoneSeed } = access;
    switch (zoneSeed.from) {
      case 'existing_file':
        return addPrimary(wish.name);
      case 'initial_file':
        return addPrimary(wish.name, `initial-file ${quotedWord(server, zoneSeed.file)};`);
      case 'transfer': {
        if (!seed)
          throw new DnsZonesFixedError(server, 'zones come by a transfer, and SLIPWAY_DNS_SEED_LISTEN is not set');
        const config = `type primary; file ${file(wish.name)}; ${rights()}`;
        return seedByTransfer({ target, network, control: controlled(), seed, file: file(wish.name), config }, wish);
      }
      default:
        return zoneSeed satisfies never;
    }
  }

  return {
    create: async (wish) => {
      const how = controlled();
      if (await how.status(wish.name)) throw new DnsZoneExistsError(server, wish.name);
      try {
        await begin(wish);
        await fill(target, network, wish);
      } catch (error) {
        if (!(error instanceof DnsZoneExistsError)) await how.remove(wish.name, true).catch(ignored);
        throw error;
      }
    },
    ...removal(server, control),
  };
}

/** Removal, which needs nothing of how zones come. */
function removal(server: string, control: Control | null): Pick<BindZones, 'remove' | 'removable'> {
  return {
    remove: async (zone) => {
      if (!control) throw new DnsZonesFixedError(server, withoutRndc);
      const status = await control.status(zone);
      if (!status) return;
      if (!status.isRemovable) throw new DnsZonesFixedError(server, ofConfiguration);
      await control.remove(zone, true);
    },
    removable: async (zone) => {
      if (!control) return withoutRndc;
      const status = await control.status(zone);
      return status === null || status.isRemovable ? true : ofConfiguration;
    },
  };
}

/** The first failure is the one to tell. */
function ignored(error: unknown): void {
  if (!(error instanceof DnsError)) throw error;
}

/** Brings a new zone from what its file held to what is wished. */
async function fill(target: DnsTarget, network: DnsNetwork, { name, sets }: NewZone): Promise<void> {
  const present = bySetKey((await transfer(target, network, name)).sets);
  const wished = bySetKey(sets);
  const keys = new Map([...present, ...wished]);
  const changes = [...keys.values()].map((set): SetChange => {
    const key = keyOf(set);
    return { name: set.name, type: set.type, before: present.get(key) ?? null, after: wished.get(key) ?? null };
  });
  const update = new ZoneUpdate(target, network, name);
  await inParts(
    update,
    changes.filter(({ before, after }) => !sameSet(before, after)),
  );
  const wrong = notApplied(changes, (await transfer(target, network, name)).sets);
  if (wrong.length > 0) throw new DnsNotAppliedError(target.server, wrong, false);
}

/** As many messages as it takes. */
async function inParts(update: ZoneUpdate, changes: readonly SetChange[]): Promise<void> {
  if (changes.length === 0) return;
  try {
    await update.change(changes);
  } catch (error) {
    if (!(error instanceof DnsChangeTooLongError) || changes.length === 1) throw error;
    const half = Math.ceil(changes.length / 2);
    await inParts(update, changes.slice(0, half));
    await inParts(update, changes.slice(half));
  }
}
