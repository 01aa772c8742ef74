import { certificateRequestEndpoints } from './certificates.ts';
import { domainRequestEndpoints } from './domains.ts';
import { hostRequestEndpoints } from './hosts.ts';

export const requestEndpoints = [...hostRequestEndpoints, ...domainRequestEndpoints, ...certificateRequestEndpoints];
