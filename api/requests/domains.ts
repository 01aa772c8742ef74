import { z } from 'zod';
import { domainRequests, isForApplication, namesPart } from '../../db/requests/domains.ts';
import { checkRecord } from '../../kit/dns/records.ts';
import { refusalText } from '../../kit/dns/refusals.ts';
import { msg } from '../../kit/messages/message.ts';
import { detail, Problem } from '../../workflows/problems/problem.ts';
import type { ProblemDetail } from '../../workflows/problems/problem.ts';
import { requestedRecordTypes } from '../../workflows/requests/contract.ts';
import type { RequestedRecord } from '../../workflows/requests/contract.ts';
import type { Ctx } from '../operations/context.ts';
import { id } from '../operations/schemas.ts';
import { applications, demandApplications, text } from './fields.ts';
import { resourceOperations } from './resource.ts';

const record = z.strictObject({
  name: text(253).min(1),
  type: z.preprocess(
    (value) => (typeof value === 'string' ? value.toUpperCase() : value),
    z.enum(requestedRecordTypes),
  ),
  value: text(4096).min(1),
});

const fields = z.strictObject({
  associated_app: applications.default([]),
  records: z.array(record).min(1).max(100),
  purpose: text(2000).default(''),
});
type Given = Partial<z.output<typeof fields>>;

/** Of a mail server without a priority. */
const usualPriority = 10;

const ruled = (given: z.output<typeof record>) => {
  const { type, value } = given;
  return checkRecord(
    { ...given, value: type === 'MX' && !value.includes(' ') ? `${usualPriority} ${value}` : value },
    '.',
  );
};

/** The records in canonical form; throws Problem `invalid` naming each that breaks a rule of DNS. */
function canonical(records: readonly z.output<typeof record>[], { language }: Ctx): RequestedRecord[] {
  const details: ProblemDetail[] = [];
  const accepted = records.flatMap((given, index): RequestedRecord[] => {
    const field = (name: string): string => `records.${index}.${name}`;
    const found = ruled(given);
    if (found.refusal)
      details.push({ field: field(found.refusal.field), message: refusalText(found.refusal, language) });
    else if (found.value.name.includes('.')) return [{ ...found.value, type: given.type }];
    else details.push(detail(field('name'), msg('needs_two_labels')));
    return [];
  });
  const keys = accepted.map(({ name, type, value }) => `${name} ${type} ${value}`);
  const twice = keys.findIndex((key, index) => keys.indexOf(key) !== index);
  if (twice >= 0) details.push(detail(`records.${twice}`, msg('is_there_twice')));
  const beside = accepted.findIndex(
    ({ name, type }) => type === 'CNAME' && accepted.filter((one) => one.name === name).length > 1,
  );
  if (beside >= 0) details.push(detail(`records.${beside}.type`, msg('cname_stands_alone')));
  if (details.length > 0) throw new Problem('invalid', {}, details);
  return accepted;
}

async function columns(ctx: Ctx, given: Given) {
  const { associated_app: associated, records, purpose } = given;
  if (associated) await demandApplications(ctx, associated);
  return {
    ...(associated && { applications: associated }),
    ...(records && { records: canonical(records, ctx) }),
    ...(purpose !== undefined && { purpose }),
  };
}

export const domainRequestEndpoints = resourceOperations({
  rules: domainRequests,
  path: '/resource-request/domains',
  name: 'DomainRequest',
  fields,
  columns,
  filter: z.object({ name: z.string().max(253).optional(), associated_app: id.optional() }),
  conditions: ({ name, associated_app: app }) => [
    ...(typeof name === 'string' ? [namesPart(name)] : []),
    ...(typeof app === 'number' ? [isForApplication(app)] : []),
  ],
  shown: {
    associated_app: z.array(z.int()),
    records: z.array(z.object({ name: z.string(), type: z.enum(requestedRecordTypes), value: z.string() })),
  },
  show: (_ctx, rows) =>
    Promise.resolve(
      new Map(
        rows.map(({ id: key, applications: associated, records }) => [key, { associated_app: associated, records }]),
      ),
    ),
});
