// Which commands a step is made of. A step is a list of jobs, each with an id of its own that the host runs once; the
// application's own commands run as its user inside the present release, Slipway's own as the runner's user.
import { secondsOf } from '../../db/deploy/sub-tasks.ts';
import type { SubTaskSetup } from '../../db/deploy/sub-tasks.ts';
import { plainLine } from '../../kit/script-text.ts';
import type { StepName } from '../../workflows/deploy/contract.ts';
import type { Job } from '../providers/runner/driver.ts';
import type { StepJob } from '../tasks/run-step.ts';
import * as host from './host-scripts.ts';
import * as processes from './process-scripts.ts';

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
  /** What Slipway's own scripts find there. */
  ownEnv: Record<string, string>;
  /** What a hook finds in its environment beside what every step does. */
  hookValues: Record<string, string>;
  /** Whether the instance ran before, as recorded or since seen. */
  ranBefore: boolean;
  /** Releases that `prune` removes. */
  dropped: string[];
  /** What earlier looks at the process have said, for the jobs that need it. */
  told?: Told;
}

/** What a job on the application's process is told. */
export interface Told {
  /** The process that was told to end, `pid start`. */
  process?: string;
  /** Since when the processes of a start can have begun. */
  since?: string;
  /** Seconds that are left for an end. */
  seconds?: number;
  /** The stop command was run. */
  isStopped?: boolean;
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
        return stopping(setup, !context.ranBefore, context.told);
      case 'unpack':
        return [own(host.unpack)];
      case 'switch':
        return [own(host.switchRelease)];
      case 'start':
        return starting(context, step);
      case 'check':
        return setup.startupCmd ? checking(setup, context.told) : [];
      case 'stop_new':
        return [...stopping(setup, true), ending(setup, [startMark(context, 'start')], context.told)];
      case 'switch_back':
        return [own(host.switchBack)];
      case 'drop_release':
        return [own(host.dropRelease)];
      case 'start_old':
        return context.ranBefore ? startingAgain(context) : [];
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

/** A look at the application's process, for a step; undefined: there is no pid file, so nobody can tell. */
export const lookOf = (step: string, context: StepContext, marks: readonly string[] = []): StepJob | undefined =>
  stepLook(step, context.setup, { ...context, env: environment(context) }, marks);

/** Which steps look at the process before they do anything. */
const looking: readonly StepName[] = ['stop', 'start', 'stop_new', 'start_old'];

/** Everything that a step may run on a host, for the kill. */
export const allJobsOf = (step: StepName, context: StepContext): (StepJob | undefined)[] => [
  looking.includes(step) ? lookOf(step, context) : undefined,
  ...jobsOf(step, context),
];

/** What the jobs of a step of one instance share. */
export interface StepPlace {
  taskId: number;
  position: number;
  workingDirectory: Job['cwd'];
  env: Job['env'];
  /** On top of it for Slipway's own scripts. */
  ownEnv: Job['env'];
}

/** Jobs of a step, each with the id by which its host knows it for good. */
export const stepJobs = (step: string, bodies: readonly StepBody[], at: StepPlace): StepJob[] =>
  bodies.map((body, index) => jobOf(step, body, index, at));

/** A look as a job of a step; undefined: there is no pid file. */
export function stepLook(
  step: string,
  setup: Pick<SubTaskSetup, 'pidPath'>,
  at: StepPlace,
  marks: readonly string[] = [],
): StepJob | undefined {
  const [body] = whenPid(setup, processes.look, { SLIPWAY_STARTED: linesOf(marks) });
  return body && jobOf(step, body, 'look', at);
}

/** Where a job of a task is known by. */
export type JobAt = Pick<StepPlace, 'taskId' | 'position'>;

/** The id by which a host knows a job of a step for good. */
export const jobIdOf = ({ taskId, position }: JobAt, step: string, name: number | string): string =>
  `t${taskId}-p${position}-${step}-${name}`;

function jobOf(step: string, { name, env, isOwn, ...body }: StepBody, index: number | string, at: StepPlace): StepJob {
  const cwd = isOwn ? '/' : at.workingDirectory;
  const all = { ...at.env, ...(isOwn && at.ownEnv), ...env };
  return { ...body, id: jobIdOf(at, step, name ?? index), cwd, env: all };
}

/** A job before it has an id and a place. */
export interface StepBody {
  script: Job['script'];
  user: string | null;
  /** By which it is known in its step, instead of its place in the order. */
  name?: string;
  /** On top of what all jobs of the step have. */
  env?: Job['env'];
  /** Slipway's own, which runs in the host's root. */
  isOwn?: boolean;
  mayFail?: boolean;
  isEnough?: boolean;
}

const bash = (content: string): Job['script'] => ({ language: 'bash', content });

const own = (content: string, env: Job['env'] = {}): StepBody => ({
  script: bash(content),
  user: null,
  isOwn: true,
  env,
});

/** A command line of the application, as its user; none: nothing to do. */
export const command = (line: string, { runUser }: Pick<SubTaskSetup, 'runUser'>): StepBody[] =>
  line === '' ? [] : [{ script: bash(`${plainLine(line)}\n`), user: runUser }];

/** A script on the process in the pid file, where there is one. */
const whenPid = ({ pidPath }: Pick<SubTaskSetup, 'pidPath'>, content: string, env: Job['env']): StepBody[] =>
  pidPath === '' ? [] : [own(content, env)];

/** By which name a package is kept on a host while its sub-task runs. */
export const packageName = ({ package: source }: Pick<SubTaskSetup, 'package'>): string =>
  `${source?.tarSha256 ?? 'none'}.tar`;

function environment({ setup, path, ...context }: StepContext): Record<string, string> {
  return {
    ...context.hookValues,
    SLIPWAY_TASK: String(context.taskId),
    SLIPWAY_VERSION: context.version,
    SLIPWAY_PREVIOUS_VERSION: context.previousVersion ?? '',
    SLIPWAY_DEPLOY_PATH: path(setup.deployPath),
    SLIPWAY_PACKAGE: packageName(setup),
    SLIPWAY_PID_FILE: setup.pidPath ? path(setup.pidPath) : '',
    SLIPWAY_RUN_USER: setup.runUser,
    SLIPWAY_DROPPED: context.dropped.join('\n'),
  };
}

const linesOf = (marks: readonly string[]): string =>
  marks.flatMap((mark) => (mark === '' ? [] : [`SLIPWAY_START=${mark}`])).join('\n');

/** What the processes of a start have in their environment; empty: nothing tells them from those of another Slipway. */
export const startMark = (at: JobAt & { setup: SubTaskSetup }, step: string): string =>
  at.setup.nonce === undefined ? '' : jobIdOf(at, step, at.setup.nonce);

/** The start command, whose processes are known by their mark. */
export const starting = (at: JobAt & { setup: SubTaskSetup }, step: string): StepBody[] =>
  command(at.setup.startupCmd, at.setup).map((body) => ({ ...body, env: { SLIPWAY_START: startMark(at, step) } }));

/** Waits for the process of a start. */
export const checking = (setup: SubTaskSetup, { since = '' }: Told = {}): StepBody[] =>
  whenPid(setup, processes.checkLives, { SLIPWAY_SINCE: since, SLIPWAY_SECONDS: String(secondsOf(setup).start) });

/** With a pid file the process decides, not what the command says of itself: what has crashed can be upgraded. */
export function stopping(setup: SubTaskSetup, mayFail = false, { process: told = '' }: Told = {}): StepBody[] {
  if (setup.stopCmd === '') return [];
  const env = { SLIPWAY_TOLD: told, SLIPWAY_SECONDS: String(secondsOf(setup).stop) };
  const check = whenPid(setup, processes.checkGone, env);
  return [...command(setup.stopCmd, setup).map((job) => ({ ...job, mayFail: mayFail || check.length > 0 })), ...check];
}

/**
 * Waits for the end of what was told to end, and sees to it after the time. As the application's user, who writes the pid file:
 * root would end for them whatever they name there.
 */
export const endingTold = ({ runUser }: SubTaskSetup, { process: told = '', seconds = 0 }: Told = {}): StepBody => ({
  ...own(processes.endTold, { SLIPWAY_TOLD: told, SLIPWAY_SECONDS: String(seconds) }),
  user: runUser,
  name: 'told',
});

/** Ends what starts have left, as the application's user; `leavesShown`: but for what the pid file shows. */
export const ending = (
  setup: SubTaskSetup,
  marks: readonly string[],
  { since = '', isStopped = false }: Told = {},
  leavesShown = false,
): StepBody => ({
  ...own(processes.endStarted, {
    SLIPWAY_STARTED: linesOf(marks),
    SLIPWAY_SINCE: setup.pidPath === '' ? '' : since,
    SLIPWAY_STOPPED: isStopped ? 'yes' : '',
    SLIPWAY_LEAVE_SHOWN: leavesShown ? 'yes' : '',
    SLIPWAY_SECONDS: String(secondsOf(setup).stop),
  }),
  user: setup.runUser,
  name: 'end',
});

/** The first is the wait for what was told to end; with a pid file the start command was second before there was one. */
function startingAgain(context: StepContext): StepBody[] {
  const start = starting(context, 'start_old').map((body) => ({ ...body, name: context.setup.pidPath ? '1' : '0' }));
  const check = start.length === 0 ? [] : checking(context.setup, context.told);
  return [endingTold(context.setup, context.told), ...start, ...check.map((body) => ({ ...body, name: '2' }))];
}
