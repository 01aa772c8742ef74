// The public contract of resource requests: what somebody asks for, who agrees, and that it is delivered once.
import { defineUpdate } from '@temporalio/workflow';
import type { ApprovalPolicy, Person, RequestKind } from '../approvals/contract.ts';
import type { CarriedApproval } from '../approvals/state.ts';
import type { HostType } from '../hosts/contract.ts';
import type { Reason } from '../problems/problem.ts';
import type { Actor } from '../tasks/contract.ts';

export type ResourceKind = Exclude<RequestKind, 'deploy_task'>;

export const resourceStatuses = ['wait_review', 'approved', 'rejected', 'closed', 'finished'] as const;
export type ResourceStatus = (typeof resourceStatuses)[number];

/** `host-request/7`: found by eye in the Temporal UI. */
export const resourceWorkflowId = (kind: ResourceKind, id: number): string => `${kind.replace('_', '-')}/${id}`;

/** The name of a kind's workflow function. */
export const resourceWorkflows = {
  host_request: 'hostRequest',
  domain_request: 'domainRequest',
  certificate_request: 'certificateRequest',
} as const satisfies Record<ResourceKind, string>;

export interface ResourceRequestInput {
  id: number;
  creator: Person;
  policy: ApprovalPolicy;
  /** ISO 8601 */
  createdTime: string;
  /** The state of an earlier run. */
  carried?: CarriedApproval & { trouble: Reason | null; fulfilling: boolean };
}

/** New values of a request's own columns, by name. */
export type ResourceFields = Record<string, unknown>;

export interface ResourceChangeInput {
  actor: Actor;
  fields: ResourceFields;
}

export const changeResourceUpdate = defineUpdate<void, [ResourceChangeInput]>('change');
export const retryUpdate = defineUpdate<void, [{ actor: Actor }]>('retry');

/** Further columns of a request's row; absent ones are unchanged. */
export interface ResourceAside {
  fulfilling?: boolean;
  /** Why it stands still. */
  trouble?: Reason | null;
}

/** A request with its id: the columns of a kind are its own. */
export interface ResourceRef {
  kind: ResourceKind;
  id: number;
}

export interface RequestedHost {
  name: string;
  /** Cores, MB, MB. */
  specs: { cpu_core: number; mem: number; storage: number };
  os: string;
  type: HostType;
}

export const requestedRecordTypes = ['A', 'MX', 'CNAME', 'NS'] as const;

export interface RequestedRecord {
  name: string;
  type: (typeof requestedRecordTypes)[number];
  value: string;
}

export const certificateTypes = ['wizard', 'normal'] as const;
export type CertificateType = (typeof certificateTypes)[number];

/** The plan of a resource request; its parts depend on the kind. Votes are bound to its SHA-256. */
export type ResourcePlan = Record<string, unknown>;
