// A new zone reaches BIND by a transfer: BIND adds it as a secondary of Slipway, which answers once, writes its file, and then
// adds it as the primary of that file. Each step can be repeated.
import type { NewZone } from '../driver.ts';
import { DnsServerFailedError, DnsZoneMissingError, DnsError } from '../errors.ts';
import type { HostPort } from '../../addresses.ts';
import type { DnsNetwork } from '../network.ts';
import type { DnsTarget } from './client.ts';
import { quotedWord } from './control.ts';
import type { Control } from './control.ts';
import { querySoa } from './queries.ts';
import { serveZone } from './seed-server.ts';

/** Where Slipway listens for the transfer: an address of this machine that the DNS servers reach. */
export interface SeedServer {
  listen: HostPort;
}

interface SeedWish {
  target: DnsTarget;
  network: DnsNetwork;
  control: Control;
  seed: SeedServer;
  /** Quoted. */
  file: string;
  /** Of the primary zone that is made of the file. */
  config: string;
}

const lookEveryMs = 100;
const firstSerial = 1;
/** The server writes the file after it says so, and not always. */
const attempts = 3;
const looksForFile = 20;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, lookEveryMs));

/** Creates a primary zone with the records. */
export async function seedByTransfer(parts: SeedWish, wish: NewZone): Promise<void> {
  const { target, control, seed, config } = parts;
  const serving = await serveZone(seed.listen, wish, target.key, target.server);
  try {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      await fetched(parts, wish.name);
      for (let look = 0; look < looksForFile; look += 1) {
        if ((await control.add(wish.name, config)) === 'added') return;
        await pause();
      }
    }
    throw new DnsServerFailedError(target.server, `it does not write the file of ${wish.name}; see its log`);
  } finally {
    await serving.close();
  }
}

/** Has the server fetch the zone and write its file; leaves no zone. */
async function fetched({ target, network, control, seed, file }: SeedWish, zone: string): Promise<void> {
  const { server, key } = target;
  const { host, port } = seed.listen;
  const keyed = key ? ` key ${quotedWord(server, key.name)}` : '';
  const primaries = `primaries { ${host} port ${port}${keyed}; };`;
  await control.add(zone, `type secondary; file ${file}; masterfile-format text; ${primaries} allow-notify { none; };`);
  await loaded(target, network, zone);
  await control.sync(zone);
  await control.remove(zone, false);
}

/** Waits until the server answers for the zone. */
async function loaded(target: DnsTarget, network: DnsNetwork, zone: string): Promise<void> {
  const until = Date.now() + network.limits.zoneMs;
  for (;;) {
    try {
      if ((await querySoa(target, network, zone)).serial >= firstSerial) return;
    } catch (error) {
      const isYetToCome = error instanceof DnsZoneMissingError || error instanceof DnsServerFailedError;
      if (!(error instanceof DnsError) || (!isYetToCome && error.kind === 'unavailable')) throw error;
      if (Date.now() > until)
        throw new DnsServerFailedError(
          target.server,
          `it did not fetch ${zone} from Slipway; it must reach SLIPWAY_DNS_SEED_LISTEN`,
        );
    }
    await pause();
  }
}
