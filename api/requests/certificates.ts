import { z } from 'zod';
import { certificateRequests, domainHas, isOfType } from '../../db/requests/certificates.ts';
import { checkDomain } from '../../kit/dns/records.ts';
import { refusalText } from '../../kit/dns/refusals.ts';
import { msg } from '../../kit/messages/message.ts';
import { invalidField, Problem } from '../../workflows/problems/problem.ts';
import { certificateTypes } from '../../workflows/requests/contract.ts';
import type { CertificateType } from '../../workflows/requests/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { applications, days, demandApplications, text } from './fields.ts';
import { resourceOperations } from './resource.ts';

const fields = z.strictObject({
  domain: text(253).min(1),
  certificate_type: z.enum(certificateTypes),
  auto_renew: z.boolean().default(true),
  associated_app: applications.default([]),
  purpose: text(2000).default(''),
  expect_delivery_days: days(365).default(7),
});
type Given = Partial<z.output<typeof fields>>;

const mostForWildcard = 251;

/** The domain in canonical form; `wizard` drops a leading wildcard, which it means anyway. */
function canonical(given: string, type: CertificateType | undefined, { language }: Ctx): string {
  const isWildcard = given.startsWith('*.');
  if (isWildcard && type !== 'wizard') throw invalidField('domain', msg('wildcard_needs_wizard'));
  const found = checkDomain(isWildcard ? given.slice(2) : given);
  if (found.refusal) {
    throw new Problem('invalid', {}, [{ field: 'domain', message: refusalText(found.refusal, language) }]);
  }
  const { value } = found;
  if (!value.includes('.')) throw invalidField('domain', msg('needs_two_labels'));
  if (type === 'wizard' && value.length > mostForWildcard) throw invalidField('domain', msg('too_long_for_wildcard'));
  return value;
}

async function columns(ctx: Ctx, given: Given) {
  const { domain, certificate_type: type, associated_app: associated } = given;
  if (type !== undefined && domain === undefined) throw invalidField('domain', msg('is_needed_with_type'));
  if (associated) await demandApplications(ctx, associated);
  return {
    ...(domain !== undefined && { domain: canonical(domain, type, ctx) }),
    ...(type !== undefined && { certificateType: type }),
    ...(associated && { applications: associated }),
    ...(given.auto_renew !== undefined && { autoRenew: given.auto_renew }),
    ...(given.purpose !== undefined && { purpose: given.purpose }),
    ...(given.expect_delivery_days !== undefined && { expectDeliveryDays: given.expect_delivery_days }),
  };
}

export const certificateRequestEndpoints = resourceOperations({
  rules: certificateRequests,
  path: '/resource-request/ssl-certificates',
  name: 'CertificateRequest',
  fields,
  columns,
  filter: z.object({ domain: z.string().max(253).optional(), certificate_type: z.enum(certificateTypes).optional() }),
  conditions: ({ domain, certificate_type: type }) => [
    ...(typeof domain === 'string' ? [domainHas(domain)] : []),
    ...(type === undefined ? [] : [isOfType(type as CertificateType)]),
  ],
  shown: {
    domain: z.string(),
    certificate_type: z.enum(certificateTypes),
    auto_renew: z.boolean(),
    associated_app: z.array(z.int()),
    expect_delivery_days: z.string(),
  },
  show: (_ctx, rows) =>
    Promise.resolve(
      new Map(
        rows.map((row) => [
          row.id,
          {
            domain: row.domain,
            certificate_type: row.certificateType,
            auto_renew: row.autoRenew,
            associated_app: row.applications,
            expect_delivery_days: String(row.expectDeliveryDays),
          },
        ]),
      ),
    ),
});
