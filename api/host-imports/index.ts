import type { Endpoint } from '../operations/endpoint.ts';
import { adoptImport } from './adopt.ts';
import { importHosts, syncHosts } from './discover.ts';
import { getImport, listFindings, listImports } from './imports.ts';

/** Discovery of hosts. */
export const hostImportEndpoints: readonly Endpoint[] = [
  importHosts,
  syncHosts,
  listImports,
  getImport,
  listFindings,
  adoptImport,
];
