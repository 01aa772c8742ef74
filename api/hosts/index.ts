import type { Endpoint } from '../endpoint.ts';
import { hostEndpoints } from './hosts.ts';

/** Hosts and their tasks. */
export const hostAreaEndpoints: readonly Endpoint[] = [...hostEndpoints];
