import { createDnsWorld, createMemoryDns, writeBehind } from '../../activities/providers/dns/memory.ts';
import { dnsSuite } from './dns.suite.ts';

dnsSuite('memory', async () => {
  const world = createDnsWorld();
  return {
    driver: createMemoryDns(world),
    another: () => createMemoryDns(world),
    behind: async (zone, key, set) =>
      writeBehind(world, zone, set === null ? { ...key, removed: true } : { ...key, ...set, disabled: [] }),
    secrets: [],
    close: async () => undefined,
  };
});
