// Which commands a step is made of. A step is a list of jobs, each with an id of its own that the host runs once; the
// application's own commands run as its user inside the present release, Slipway's own as the runner's user.
import type { SubTaskSetup } from '../../db/deploy/sub-tasks.ts';
import { plainLine } from '../../kit/script-text.ts';
import type { StepName } from '../../workflows/deploy/contract.ts';
import type { Job } from '../providers/runner/driver.ts';
import type { StepJob } from '../step.ts';
import * as host from './host-scripts.ts';

export interface StepContext {
  taskId: number;
  position: number;
  version: string;
  previousVersion: string | null;
  setup: SubTaskSetup;
  /** Where an absolute path lies on this host. */
  path(absolute: string): string;
  /** Where commands run: in `current`, global hooks in the deploy path, all in the host's root before a first release. */
  workingDirectory: Job['cwd'];
  hook: Job['script'] | null;
  hookUser: string | null;
  /** What a hook finds in its environment beside what every step does. */
  hookValues: Record<string, string>;
  /** Whether the instance ran before, as recorded or since seen. */
  ranBefore: boolean;
  /** Releases that `prune` removes. */
  dropped: string[];
}

/** The jobs of a step in their order; none: there is nothing to do. */
export function jobsOf(step: StepName, context: StepContext): StepJob[] {
  const { setup } = context;
  const jobs = (): StepBody[] => {
    switch (step) {
      case 'global_pre_exec':
      case 'pre_exec':
      case 'post_exec':
      case 'global_post_exec':
        return context.hook ? [{ script: context.hook, user: context.hookUser }] : [];
      case 'stop':
        return stopping(setup, !context.ranBefore);
      case 'unpack':
        return [own(host.unpack)];
      case 'switch':
        return [own(host.switchRelease)];
      case 'start':
        return command(setup.startupCmd, setup);
      case 'check':
        return setup.startupCmd ? whenPid(setup, host.checkLives) : [];
      case 'stop_new':
        return stopping(setup, true);
      case 'switch_back':
        return [own(host.switchBack)];
      case 'drop_release':
        return [own(host.dropRelease)];
      case 'start_old':
        return context.ranBefore ? startingAgain(setup) : [];
      case 'prune':
        return [own(host.prune)];
      case 'tidy':
        return [own(host.tidy)];
      case 'fetch':
        return [];
    }
  };
  return stepJobs(step, jobs(), { ...context, env: environment(context) });
}

/** A look whether the process of the pid file lives, for a step; undefined: there is no pid file, so nobody can tell. */
export const lookOf = (step: string, context: StepContext): StepJob | undefined =>
  stepLook(step, context.setup, { ...context, env: environment(context) });

/** What the jobs of a step of one instance share. */
export interface StepPlace {
  taskId: number;
  position: number;
  workingDirectory: Job['cwd'];
  env: Job['env'];
}

/** Jobs of a step, each with the id by which its host knows it for good. */
export const stepJobs = (step: string, bodies: readonly StepBody[], at: StepPlace): StepJob[] =>
  bodies.map((body, index) => jobOf(step, body, index, at));

/** A look as a job of a step; undefined: there is no pid file. */
export function stepLook(step: string, setup: Pick<SubTaskSetup, 'pidPath'>, at: StepPlace): StepJob | undefined {
  const [body] = whenPid(setup, host.look);
  return body && jobOf(step, body, 'look', at);
}

function jobOf(
  step: string,
  body: StepBody,
  name: number | 'look',
  { taskId, position, workingDirectory, env }: StepPlace,
): StepJob {
  const cwd = body.inRelease === false ? '/' : workingDirectory;
  return { ...body, id: `t${taskId}-p${position}-${step}-${name}`, cwd, env };
}

/** A job before it has an id and a place. */
export interface StepBody {
  script: Job['script'];
  user: string | null;
  inRelease?: boolean;
  mayFail?: boolean;
  isEnough?: boolean;
}

const bash = (content: string): Job['script'] => ({ language: 'bash', content });

const own = (content: string): StepBody => ({ script: bash(content), user: null, inRelease: false });

/** A command line of the application, as its user; none: nothing to do. */
export const command = (line: string, { runUser }: Pick<SubTaskSetup, 'runUser'>): StepBody[] =>
  line === '' ? [] : [{ script: bash(`${plainLine(line)}\n`), user: runUser }];

/** A check of the process in the pid file, where there is one. */
export const whenPid = ({ pidPath }: Pick<SubTaskSetup, 'pidPath'>, content: string): StepBody[] =>
  pidPath === '' ? [] : [own(content)];

/** Where a package lies on a host while its sub-task runs. */
export const packagePath = ({ deployPath, package: source }: SubTaskSetup): string =>
  `${deployPath}/.slipway/packages/${source?.tarSha256 ?? 'none'}.tar`;

function environment({ setup, path, ...context }: StepContext): Record<string, string> {
  return {
    ...context.hookValues,
    SLIPWAY_TASK: String(context.taskId),
    SLIPWAY_VERSION: context.version,
    SLIPWAY_PREVIOUS_VERSION: context.previousVersion ?? '',
    SLIPWAY_DEPLOY_PATH: path(setup.deployPath),
    SLIPWAY_PACKAGE: path(packagePath(setup)),
    SLIPWAY_PID_FILE: setup.pidPath ? path(setup.pidPath) : '',
    SLIPWAY_RUN_USER: setup.runUser,
    SLIPWAY_DROPPED: context.dropped.join('\n'),
  };
}

/** With a pid file the process decides, not what the command says of itself: what has crashed can be upgraded. */
export function stopping(setup: SubTaskSetup, mayFail = false): StepBody[] {
  if (setup.stopCmd === '') return [];
  const check = whenPid(setup, host.checkGone);
  return [...command(setup.stopCmd, setup).map((job) => ({ ...job, mayFail: mayFail || check.length > 0 })), ...check];
}

/** What could not be stopped, or never was, must not be started a second time beside itself. */
function startingAgain(setup: SubTaskSetup): StepBody[] {
  if (setup.startupCmd === '') return [];
  const found = whenPid(setup, host.stillLives).map((job) => ({ ...job, mayFail: true, isEnough: true }));
  return [...found, ...command(setup.startupCmd, setup), ...whenPid(setup, host.checkLives)];
}
