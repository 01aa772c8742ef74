// The driver of a server, by its type.
import type { DnsAccess } from './access.ts';
import { createBind } from './bind/bind.ts';
import type { SeedServer } from './bind/seed.ts';
import type { DnsDriver } from './driver.ts';
import { createHttp } from './http.ts';
import type { DnsNetwork } from './network.ts';
import { createPowerDns } from './powerdns/powerdns.ts';

interface DnsSurroundings {
  network: DnsNetwork;
  /** Null: no zones come by transfer. */
  seed: SeedServer | null;
}

/** Creates the driver of one server. */
export function createDnsDriver(access: DnsAccess, { network, seed }: DnsSurroundings): DnsDriver {
  switch (access.type) {
    case 'powerdns':
      return createPowerDns(access, createHttp(access.server, network));
    case 'bind':
      return createBind(access, network, seed);
    default:
      return access satisfies never;
  }
}
