import type { SystemPermission } from '../../db/access/permission-catalogue.ts';
import type { Kind } from './estate.ts';
import { anybody, everywhere, holding, team, type Rule, type Table } from './rules.ts';

/** A request is there for its creator and for those who may approve its kind. */
function ofKind(on: Kind, name: string, approves: SystemPermission): Table {
  const approver: Rule = everywhere({ system: [approves] }, { on, stranger: 'hidden', reader: 'hidden' });
  const creator = (more: Parameters<typeof team>[2] = {}): Rule =>
    team(on, {}, { maker: true, reader: 'hidden', ...more });
  const either = [approver, creator()];
  const approversOnly = [approver, creator({ owner: 'refused' })];
  return {
    [`list${name}s`]: [anybody(), creator({ shows: 'id' }), { ...approver, shows: 'id' }],
    [`create${name}`]: holding('create_resource_req'),
    [`get${name}`]: either,
    [`get${name}Plan`]: either,
    [`explain${name}`]: either,
    [`change${name}`]: [
      creator({ admin: 'refused' }),
      { ...approver, expected: (caller, place) => (approver.expected(caller, place) === 'in' ? 'refused' : 'hidden') },
    ],
    [`approve${name}`]: approversOnly,
    [`reject${name}`]: approversOnly,
    [`close${name}`]: either,
    [`retry${name}`]: approversOnly,
  };
}

/** Requests for hosts, domains and certificates. */
export const requests: Table = {
  ...ofKind('hostRequest', 'HostRequest', 'approve_host_req'),
  ...ofKind('domainRequest', 'DomainRequest', 'approve_domain_req'),
  ...ofKind('certificateRequest', 'CertificateRequest', 'approve_ssl_cert_req'),
};
