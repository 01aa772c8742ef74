import { anybody, everywhere, seen, type Rule, type Table } from './rules.ts';

const administrators = (more: Partial<Rule> = {}): Rule => everywhere({}, { owner: 'refused', ...more });

/** A policy is shown to those who may view its application. */
const view = { application: ['view_app'] } as const;

/** Approval policies. */
export const approvals: Table = {
  listApprovalPolicies: seen('policy', view, { shows: 'id' }),
  createApprovalPolicy: administrators(),
  getApprovalPolicy: seen('policy', view),
  changeApprovalPolicy: administrators({ on: 'policy', body: () => ({ enabled: true }) }),
  deleteApprovalPolicy: administrators({ on: 'policy' }),
  simulateApprovalPolicy: anybody({ body: () => ({ kind: 'host_request' }) }),
};
