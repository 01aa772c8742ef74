// Drives one host of a task to its target state. Idempotent and without state: `host_calls` holds the intents, the host and
// its provider report the progress. Throws with `nextRetryDelay` while in progress, so a slow machine occupies no worker
// slot and adds nothing to the history.
import { ApplicationFailure } from '@temporalio/activity';
import { findCall } from '../../db/hosts/calls.ts';
import { settleHost } from '../../db/hosts/finish.ts';
import type { HostLeft } from '../../db/hosts/finish.ts';
import { leadsToMachine } from '../../db/hosts/ways.ts';
import { beginHostWork } from '../../db/hosts/work.ts';
import type { HostAt, HostEnd, HostOutcome } from '../../workflows/hosts/contract.ts';
import { Problem, toWire } from '../../workflows/problems/problem.ts';
import type { ActivityDeps } from '../deps.ts';
import { changeStatus, changeZabbix } from './change.ts';
import { problemOf } from './failure-codes.ts';
import { initialise } from './init.ts';
import { restart, start, stop } from './power.ts';
import { CancelledError, refusedBy, HostTaskError } from './host-task-error.ts';
import { hostWork, note } from './host-work.ts';
import type { HostWork } from './host-work.ts';

const doing = {
  start,
  stop,
  restart,
  init: initialise,
  change_status: changeStatus,
  change_zabbix_opts: changeZabbix,
} as const;

const shortestPauseMs = 500;
const longestPauseMs = 10_000;

/** Advances a host and records its outcome, or throws the failure that schedules the next attempt. */
export async function actOn(deps: ActivityDeps, at: HostAt): Promise<HostOutcome> {
  const begun = await beginHostWork(deps.db, at);
  if ('ended' in begun) return begun.ended;
  const work = hostWork(deps, begun.work);
  if (work.cancelledBy !== null && !work.hasCall) return cancelled(work, work.cancelledBy);
  try {
    refuseUnadmittedHost(work);
    const { left, warning } = await doing[work.kind](work);
    return await settle(work, { status: 'finished', problem: null, warning: warning ? toWire(warning) : null }, left);
  } catch (error) {
    // The second pass finds the cancellation recorded.
    if (error instanceof CancelledError) return await actOn(deps, at);
    if (!(error instanceof HostTaskError)) throw error;
    return await troubled(work, error);
  }
}

/** The host's address may have changed since the task began. */
function refuseUnadmittedHost({ deps, kind, opts, host }: HostWork): void {
  if (deps.hostAdmission === 'manage' && !host.isAdmitted && leadsToMachine(kind, opts))
    throw refusedBy('runner', new Problem('host_not_admitted', { name: host.name }).said);
}

const settle = (work: HostWork, end: HostEnd, left: HostLeft): Promise<HostOutcome> =>
  settleHost(work.deps.db, work, { ...end, left });

const cancelled = (work: HostWork, by: string): Promise<HostOutcome> =>
  settle(
    work,
    { status: 'failed', problem: toWire(new Problem('host_task_cancelled', { by })), warning: null },
    { osStatus: work.host.osStatus === 'restarting' ? 'running' : work.host.osStatus },
  );

/** Ends the host's work on a refusal; retries other failures within the host's patience. */
async function troubled(work: HostWork, trouble: HostTaskError): Promise<HostOutcome> {
  const { kind, host, deps, started } = work;
  const spentMs = Date.now() - started.getTime();
  const patienceMs = deps.hostPatienceSeconds * 1000;
  if (trouble.kind !== 'refused' && spentMs < patienceMs) {
    await note(work, trouble.source, trouble.message);
    const wish = Math.min(longestPauseMs, Math.max(shortestPauseMs, spentMs / 4));
    throw ApplicationFailure.create({
      type: trouble.kind,
      message: trouble.message,
      // Jitter: hosts turned away together must not return together.
      nextRetryDelay: Math.round(Math.max(wish, trouble.retryAfterMs ?? 0) * (1 + Math.random() / 4)),
    });
  }
  const reason = trouble.kind === 'refused' ? undefined : `${trouble.message} after ${deps.hostPatienceSeconds} s`;
  const problem = toWire(problemOf(trouble, kind, host.hostType, reason));
  // A call was made but got no response: it may have taken effect.
  const wasAsked = (await findCall(deps.db, work)) !== undefined;
  const isUnknown = trouble.unclear || (trouble.kind === 'unavailable' && wasAsked);
  const left: HostLeft = kind === 'restart' && wasAsked ? { osStatus: null } : {};
  return settle(work, { status: isUnknown ? 'unknown' : 'failed', problem, warning: null }, left);
}
