import { unique } from '../support/harness.ts';
import { on, type Trials } from './stage.ts';

/** Approval policies. */
export const approvals: Trials = {
  createApprovalPolicy: () => ({ body: { name: `p-${unique()}`, kind: 'host_request', steps: [], enabled: false } }),
  changeApprovalPolicy: on('policy', { name: `p-${unique()}` }),
  deleteApprovalPolicy: on('policy'),
  simulateApprovalPolicy: { reason: 'changes nothing' },
};
