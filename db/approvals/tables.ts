import type { Generated, JSONColumnType, Selectable } from 'kysely';
import type { ApprovalPolicy, OpenTo, RequestKind, RequestStatus, Voter } from '../../workflows/approvals/contract.ts';
import type { Level } from '../../workflows/deploy/contract.ts';

/** A group as it is kept: ids only. */
export interface KeptGroup {
  role: number | null;
  users: number[] | null;
  count: number;
}

interface KeptStep {
  groups: KeptGroup[];
}

interface ApprovalPoliciesTable {
  id: Generated<number>;
  name: string;
  kind: RequestKind;
  levels: JSONColumnType<Level[]>;
  applicationId: number | null;
  productionId: number | null;
  steps: JSONColumnType<KeptStep[]>;
  creatorMayVote: boolean;
  escalateAfterHours: number | null;
  escalateTo: number | null;
  expireAfterHours: number | null;
  breakGlass: number | null;
  /** Deploy tasks of a lower level are refused. */
  minLevel: Generated<Level | null>;
  enabled: boolean;
  creator: string;
  createdTime: Generated<Date>;
  updatedTime: Generated<Date>;
}

/** The columns that the table of every kind of request has. */
export interface RequestColumns {
  id: Generated<number>;
  creatorId: number;
  status: Generated<RequestStatus>;
  /** Why its workflow can do nothing more. */
  error: string | null;
  requiredApprovals: number;
  /** Its own copy since its creation; null in deploy tasks from before policies. */
  policy: JSONColumnType<ApprovalPolicy> | null;
  openTo: JSONColumnType<OpenTo, string | undefined>;
  reviewSince: Date | null;
  changedById: number | null;
  escalated: Generated<boolean>;
  planRound: Generated<number>;
  planHash: string | null;
  seq: Generated<number>;
  createdTime: Generated<Date>;
  finishedTime: Date | null;
}

interface VotesTable {
  kind: RequestKind;
  requestId: number;
  round: number;
  userId: number;
  planHash: string | null;
  channel: string;
  step: Generated<number>;
  voter: JSONColumnType<Voter> | null;
  time: Generated<Date>;
}

interface DelegationsTable {
  id: Generated<number>;
  kind: RequestKind;
  requestId: number;
  fromId: number;
  toId: number;
  phase: 'review' | 'ownership';
  time: Generated<Date>;
}

interface RequestEventsTable {
  id: Generated<number>;
  kind: RequestKind;
  requestId: number;
  event: string;
  by: string;
  reason: string | null;
  channel: string;
  time: Generated<Date>;
}

/** Who must approve what, and what was decided on requests of all kinds. */
export interface ApprovalTables {
  approvalPolicies: ApprovalPoliciesTable;
  votes: VotesTable;
  delegations: DelegationsTable;
  requestEvents: RequestEventsTable;
}

export type ApprovalPolicyRow = Selectable<ApprovalPoliciesTable>;
