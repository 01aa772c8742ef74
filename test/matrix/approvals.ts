import { anybody, everywhere, type Rule, type Table } from './rules.ts';

const administrators = (more: Partial<Rule> = {}): Rule => everywhere({}, { owner: 'refused', ...more });

/** Approval policies. */
export const approvals: Table = {
  listApprovalPolicies: anybody({ on: 'policy', shows: 'id' }),
  createApprovalPolicy: administrators(),
  getApprovalPolicy: anybody({ on: 'policy' }),
  changeApprovalPolicy: administrators({ on: 'policy', body: () => ({ enabled: true }) }),
  deleteApprovalPolicy: administrators({ on: 'policy' }),
  simulateApprovalPolicy: anybody({ body: () => ({ kind: 'host_request' }) }),
};
