// Requests for names in DNS: records that are to be there.
import { sql } from 'kysely';
import { anywhere } from '../core/ilike.ts';
import { requestedRecordTypes } from '../../workflows/requests/contract.ts';
import { resourceRules } from './kind.ts';
import type { RowOf } from './kind.ts';
import type { Condition } from './find.ts';

type DomainRequestRow = RowOf<'domainRequests'>;

export const domainRequests = resourceRules<DomainRequestRow>({
  kind: 'domain_request',
  name: 'domainRequests',
  title: 'domain request',
  about: ({ records }) => [...new Set(records.map(({ name }) => name))].join(', '),
  // A CNAME stands alone at its name, so it claims every type there.
  claims: ({ records }) =>
    records.flatMap(({ name, type }) =>
      (type === 'CNAME' ? requestedRecordTypes : [type]).map((one) => `${name} ${one}`),
    ),
  compose: (_db, { records, applications }) => Promise.resolve({ records, applications }),
});

/** A record's name has this part. The first condition is the indexed one. */
export const namesPart = (part: string): Condition => sql`(request.records::text ilike ${anywhere(part)} and exists (
  select from jsonb_array_elements(request.records) as one where one->>'name' ilike ${anywhere(part)}))`;

export const isForApplication = (id: number): Condition => sql`request.applications @> to_jsonb(${id}::bigint)`;
