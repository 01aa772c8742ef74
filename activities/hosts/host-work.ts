import { openIpmi } from '../../db/hosts/ipmi.ts';
import type { HostLeft } from '../../db/hosts/finish.ts';
import { noteProgress } from '../../db/hosts/work.ts';
import type { HostWorkRow } from '../../db/hosts/work.ts';
import { SecretsError } from '../../db/secrets/secrets.ts';
import { rulesOn } from '../../kit/host-rules.ts';
import type { Problem } from '../../workflows/problems/problem.ts';
import { runnerHost } from '../deps.ts';
import type { ActivityDeps } from '../deps.ts';
import { runJob } from '../tasks/follow-job.ts';
import type { CloudDriver, IpmiAccess, MachineRef } from '../providers/cloud/driver.ts';
import { ipmiName } from '../providers/cloud/ipmitool.ts';
import { refused } from '../providers/error.ts';
import type { Job, JobState, Runner, RunnerHost } from '../providers/runner/driver.ts';
import { ownEnvironment } from '../tasks/own-environment.ts';
import { asking } from './host-task-error.ts';

/** The effects of successful work on a host. */
export interface Done {
  left: HostLeft;
  warning?: Problem;
}

/** One host of a task with its drivers; undefined: the runner or cloud is not configured. */
export interface HostWork extends HostWorkRow {
  deps: ActivityDeps;
  at: RunnerHost;
  runner: Runner | undefined;
  cloud: CloudDriver | undefined;
  ref: MachineRef;
}

export function hostWork(deps: ActivityDeps, row: HostWorkRow): HostWork {
  const { host } = row;
  const isPhysical = host.hostType === 'PHY_HOST';
  const reachable = isPhysical ? host.ipmi !== null : host.providerId !== null;
  return {
    ...row,
    deps,
    at: runnerHost(host),
    runner: deps.runners[host.runner],
    cloud: reachable ? deps.clouds[host.hostType] : undefined,
    ref: {
      providerId: host.providerId,
      hostId: host.id,
      name: host.name,
      place: host.place,
      ipmi: isPhysical && host.ipmi !== null ? () => ipmiOf(deps, host) : null,
    },
  };
}

/** Decrypts the password for the driver at each use; a failure to decrypt is a refusal that names the remedy. */
function ipmiOf({ secrets }: ActivityDeps, host: HostWorkRow['host']): IpmiAccess {
  try {
    const access = openIpmi(secrets, host);
    if (access) return access;
  } catch (error) {
    if (error instanceof SecretsError) throw refused(ipmiName, `IPMI of ${host.name}: ${error.message}`);
    throw error;
  }
  throw refused(ipmiName, `the host ${host.name} has no ipmi`);
}

export const note = (work: HostWork, step: string, message: string | null = null): Promise<void> =>
  noteProgress(work.deps.db, work, { step, message });

export const bash = (content: string): Job['script'] => ({ language: 'bash', content });

/** The id of a job of this work; a host runs it once. */
export const jobIdOf = ({ taskId, position }: HostWork, step: string): string => `t${taskId}-p${position}-${step}`;

/** Runs a script of Slipway's own to its end; its output is kept with the task. */
export function runOwn(
  work: HostWork,
  runner: Runner,
  step: string,
  job: Omit<Job, 'cwd' | 'user'>,
): Promise<JobState> {
  const { deps, taskId, host, at } = work;
  const origin = { instanceId: null, host: host.name, step };
  const to = { db: deps.db, limitBytes: deps.outputLimitBytes, taskId, origin };
  return asking('runner', runJob(to, runner, at, { ...job, cwd: '/', user: null }));
}

/** Environment of a script that acts on an application's process. */
export const processEnvironment = (
  { deps, at }: HostWork,
  runner: Runner,
  { pidPath, runUser }: { pidPath: string; runUser: string },
): Job['env'] => ({
  ...ownEnvironment({ rules: rulesOn(deps.renderer.hostRules, [at]), runner, host: at }),
  SLIPWAY_PID_FILE: runner.path(at, pidPath),
  SLIPWAY_RUN_USER: runUser,
});

/** Whether to switch the power hard, bypassing the guest. */
export const isForced = ({ opts, host }: HostWork): boolean =>
  Array.isArray(opts['forced']) && opts['forced'].includes(host.id);
