import { failureOf } from '../lib/problem-failure.ts';
import { Problem } from '../problems/problem.ts';
import type { ResourceRef } from './contract.ts';

/**
 * How a kind delivers what was approved: returns once all of it is there, throws why it stands still. Calls `begin` before
 * its first change outside Slipway: from then on the request cannot be closed.
 */
export type Fulfilment = (request: ResourceRef, begin: () => Promise<void>) => Promise<void>;

/** Of kinds whose providers Slipway does not drive yet. */
export const notAvailableYet: Fulfilment = () => Promise.reject(failureOf(new Problem('not_available_yet')));
