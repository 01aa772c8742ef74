import type { Endpoint } from '../endpoint.ts';
import { hostEndpoints } from './hosts.ts';
import { initHosts } from './init.ts';
import { hostTaskEndpoints } from './tasks.ts';

/** Hosts and their tasks. */
export const hostAreaEndpoints: readonly Endpoint[] = [...hostEndpoints, initHosts, ...hostTaskEndpoints];
