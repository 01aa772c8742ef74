// Requests for TLS certificates.
import { sql } from 'kysely';
import { anywhere } from '../core/ilike.ts';
import type { CertificateType } from '../../workflows/requests/contract.ts';
import { resourceRules } from './kind.ts';
import type { RowOf } from './kind.ts';
import type { Condition } from './find.ts';

type CertificateRequestRow = RowOf<'certificateRequests'>;

/** The names of a certificate: for `wizard` the wildcard and the domain itself. */
const namesOf = (domain: string, type: CertificateType): string[] =>
  type === 'wizard' ? [`*.${domain}`, domain] : [domain];

export const certificateRequests = resourceRules<CertificateRequestRow>({
  kind: 'certificate_request',
  name: 'certificateRequests',
  title: 'certificate request',
  about: ({ domain, certificateType }) => namesOf(domain, certificateType).join(', '),
  claims: ({ domain, certificateType }) => [`${domain} (${certificateType})`],
  compose: (_db, { domain, certificateType, applications, autoRenew }) =>
    Promise.resolve({ names: namesOf(domain, certificateType), applications, auto_renew: autoRenew }),
});

export const domainHas = (part: string): Condition => sql`request.domain ilike ${anywhere(part)}`;

export const isOfType = (type: CertificateType): Condition => sql`request.certificate_type = ${type}`;
