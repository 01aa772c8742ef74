// One of each kind of resource request, as people ask for it.
import type { ResourceKind } from '../../workflows/requests/contract.ts';
import { unique } from '../support/harness.ts';

export interface RequestSample {
  kind: ResourceKind;
  /** In operation ids. */
  name: string;
  path: string;
  permission: 'approve_host_req' | 'approve_domain_req' | 'approve_ssl_cert_req';
  /** A new request, for things that no other one asks for. */
  wish(name?: string): Record<string, unknown>;
  /** A change of it that changes its plan. */
  changed(name?: string): Record<string, unknown>;
  /** A change that is refused with 10001, and the field that it names. */
  wrong: [Record<string, unknown>, string];
}

const host = (name: string, os = 'debian') => ({
  name,
  specs: { cpu_core: 2, mem: 2048, storage: 20_480 },
  os,
  type: 'ALI_ECS',
});

export const kinds: RequestSample[] = [
  {
    kind: 'host_request',
    name: 'HostRequest',
    path: '/resource-request/hosts/',
    permission: 'approve_host_req',
    wish: (name = unique()) => ({ purpose: 'a shop', requested_hosts: [host(`web-${name}`)] }),
    changed: (name = unique()) => ({ requested_hosts: [host(`web-${name}`, 'rocky')] }),
    wrong: [{ requested_hosts: [] }, 'requested_hosts'],
  },
  {
    kind: 'domain_request',
    name: 'DomainRequest',
    path: '/resource-request/domains/',
    permission: 'approve_domain_req',
    wish: (name = unique()) => ({ records: [{ name: `${name}.example.com`, type: 'A', value: '192.0.2.1' }] }),
    changed: (name = unique()) => ({ records: [{ name: `${name}.example.com`, type: 'A', value: '192.0.2.2' }] }),
    wrong: [{ records: [{ name: 'www.example.com', type: 'A', value: '192.0.2.999' }] }, 'records.0.value'],
  },
  {
    kind: 'certificate_request',
    name: 'CertificateRequest',
    path: '/resource-request/ssl-certificates/',
    permission: 'approve_ssl_cert_req',
    wish: (name = unique()) => ({ domain: `${name}.example.com`, certificate_type: 'normal' }),
    changed: (name = unique()) => ({ domain: `${name}.example.com`, certificate_type: 'wizard' }),
    wrong: [{ domain: '*.example.com', certificate_type: 'normal' }, 'domain'],
  },
];
