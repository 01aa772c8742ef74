import { policyEndpoints } from './policies.ts';
import { simulationEndpoints } from './simulate.ts';

/** Who must approve what. */
export const approvalEndpoints = [...policyEndpoints, ...simulationEndpoints];
