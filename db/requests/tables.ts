import type { Generated, JSONColumnType } from 'kysely';
import type { RequestKind } from '../../workflows/approvals/contract.ts';
import type {
  CertificateType,
  RequestedHost,
  RequestedRecord,
  ResourcePlan,
} from '../../workflows/requests/contract.ts';
import type { Reason } from '../../workflows/problems/problem.ts';
import type { RequestColumns } from '../approvals/tables.ts';

/** The columns that all resource requests have. */
export interface ResourceColumns extends RequestColumns {
  purpose: string;
  /** Why the fulfilment stands still. */
  trouble: JSONColumnType<{ said: Reason }> | null;
  /** It has begun to change something outside, and not taken all of it back. */
  fulfilling: Generated<boolean>;
  updatedTime: Date | null;
  closedTime: Date | null;
}

interface HostRequestsTable extends ResourceColumns {
  expectDeliveryDays: number;
  /** Days from delivery; null: never. */
  expirationDays: number | null;
  /** Ids, as are packages: their rows are looked up when the plan is made. */
  loginUsers: JSONColumnType<number[]>;
  packages: JSONColumnType<number[]>;
  hosts: JSONColumnType<RequestedHost[]>;
}

interface DomainRequestsTable extends ResourceColumns {
  applications: JSONColumnType<number[]>;
  records: JSONColumnType<RequestedRecord[]>;
}

interface CertificateRequestsTable extends ResourceColumns {
  applications: JSONColumnType<number[]>;
  domain: string;
  certificateType: CertificateType;
  expectDeliveryDays: number;
  autoRenew: Generated<boolean>;
}

interface RequestPlansTable {
  kind: RequestKind;
  requestId: number;
  round: number;
  plan: JSONColumnType<ResourcePlan>;
  createdTime: Generated<Date>;
}

/** A thing that an open request asks for, so that no other open request of the kind can. */
interface RequestClaimsTable {
  kind: RequestKind;
  thing: string;
  requestId: number;
}

export interface ResourceTables {
  hostRequests: HostRequestsTable;
  domainRequests: DomainRequestsTable;
  certificateRequests: CertificateRequestsTable;
  requestPlans: RequestPlansTable;
  requestClaims: RequestClaimsTable;
}
