// When a deploy task may start, take a sub-task, be closed or be handed on: pure, the same for API and workflow.
import { endedProblem, hasEnded } from '../approvals/policy.ts';
import type { ApprovalView } from '../approvals/contract.ts';
import { Problem } from '../problem.ts';
import type { Actor, WaitingOn } from '../tasks.ts';

export interface DeployView extends ApprovalView {
  plannedExecTime: Date;
  version: string;
  /** Task ids of the sub-tasks that are running. */
  runningSubTasks: readonly number[];
}

const ownerOnly = (view: ApprovalView, actor: Actor): Problem | undefined =>
  actor.id === view.ownerId ? undefined : new Problem('not_allowed', { permission: 'owner' });

/** `now` is the workflow's clock inside the workflow and the process's clock in the API. */
export function canStart(view: DeployView, actor: Actor, force: boolean, now: Date): Problem | undefined {
  const refused = ownerOnly(view, actor) ?? endedProblem(view.status);
  if (refused) return refused;
  if (view.status === 'running') return new Problem('already_started');
  if (view.status === 'wait_review') return new Problem('not_approved_yet');
  if (!force && now < view.plannedExecTime) {
    return new Problem('before_planned_time', { time: view.plannedExecTime.toISOString() });
  }
  return undefined;
}

export function canClose(view: DeployView): Problem | undefined {
  const [running] = view.runningSubTasks;
  return endedProblem(view.status) ?? (running ? new Problem('sub_task_running', { id: running }) : undefined);
}

/** In review it is the reviewer's turn, afterwards the owner's. */
export function canDelegate(view: DeployView, actor: Actor, toId: number): Problem | undefined {
  const ended = endedProblem(view.status);
  if (ended) return ended;
  if (view.status !== 'wait_review') {
    const refused = ownerOnly(view, actor);
    if (refused) return refused;
  }
  const unfit = toId === actor.id || (view.status === 'wait_review' && toId === view.creatorId);
  return unfit
    ? new Problem('invalid', {}, [{ field: 'user_id', message: 'must be somebody other than you or the creator' }])
    : undefined;
}

export function canRunSubTask(view: DeployView, actor: Actor, version: string | null): Problem | undefined {
  const refused = ownerOnly(view, actor);
  if (refused) return refused;
  if (view.status !== 'running') return new Problem('not_running', { status: view.status });
  return version !== null && version !== view.version
    ? new Problem('version_differs', { version: view.version })
    : undefined;
}

export interface WaitingView extends DeployView {
  creator: string;
  owner: string;
  /** Why the plan is not there yet, when it is not. */
  engineError: string | null;
}

/** Why a deploy task stands still, in one sentence, and who can move it; null once it has ended. */
export function waitingOn(view: WaitingView, now: Date): WaitingOn | null {
  if (hasEnded(view.status)) return null;
  const on = (kind: WaitingOn['kind'], text: string, users: string[], until: string | null = null): WaitingOn => ({
    kind,
    text,
    users,
    until,
  });
  if (view.engineError) return on('engine', view.engineError, []);
  if (view.status === 'wait_review') {
    if (view.planHash === null) return on('engine', 'its plan is being made', []);
    const missing = view.requiredApprovals - view.votes.length;
    return on('votes', `${missing} more of ${view.requiredApprovals} approvals, not by ${view.creator}`, []);
  }
  if (view.status === 'approved') {
    if (now < view.plannedExecTime) {
      const until = view.plannedExecTime.toISOString();
      return on(
        'planned_time',
        `planned for ${until}; ${view.owner} may start it earlier with force`,
        [view.owner],
        until,
      );
    }
    return on('start', `${view.owner} can start it`, [view.owner]);
  }
  if (view.runningSubTasks.length > 0) {
    return on('sub_tasks', `sub-task ${view.runningSubTasks.join(', ')} is running`, []);
  }
  return on('sub_tasks', `${view.owner} can upgrade or revert instances, or close it`, [view.owner]);
}
