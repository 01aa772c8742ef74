import { policyEndpoints } from './policies.ts';
import { simulationEndpoints } from './simulate.ts';

/** Approval policies. */
export const approvalEndpoints = [...policyEndpoints, ...simulationEndpoints];
