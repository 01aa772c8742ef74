import { on, type Trials } from './stage.ts';

/** Imports, comparisons and adoption of hosts; the world of these trials has one source. */
export const hostImports: Trials = {
  importHosts: () => ({ body: { sources: ['TECENT_CVM'], adopt: true } }),
  syncHosts: () => ({ body: { sources: ['TECENT_CVM'] } }),
  adoptHostImport: on('hostImport', { all: true }),
};
