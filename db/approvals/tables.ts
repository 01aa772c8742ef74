import type { Generated, JSONColumnType, Selectable } from 'kysely';
import type { RequestKind } from '../../workflows/approvals/contract.ts';
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

/** Who must approve what. */
export interface ApprovalTables {
  approvalPolicies: ApprovalPoliciesTable;
}

export type ApprovalPolicyRow = Selectable<ApprovalPoliciesTable>;
