// The commands of each step. A step is a list of jobs, each with an id that makes its host run it once. The application's
// own commands run as its user inside the present release, Slipway's own as the runner's user.
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
  /** Maps an absolute path to this host. */
  path(absolute: string): string;
  /** `current` by default; the deploy path for global hooks; the host's root before a first release. */
  workingDirectory: Job['cwd'];
  hook: Job['script'] | null;
  hookUser: string | null;
  /** Environment of Slipway's own scripts. */
  ownEnv: Record<string, string>;
  /** Additional environment of a hook. */
  hookValues: Record<string, string>;
  /** Whether the instance ran before, as recorded or since observed. */
  ranBefore: boolean;
  /** Releases that `prune` removes. */
  dropped: string[];
  /** Results of earlier looks at the process, for jobs that need them. */
  told?: Told;
}

/** Input of a job that acts on the application's process. */
export interface Told {
  /** The process being stopped, `pid start`. */
  process?: string;
  /** Earliest begin of the processes of a start. */
  since?: string;
  /** Seconds left to wait for the end. */
  seconds?: number;
  /** Whether the stop command was run. */
  isStopped?: boolean;
}

/** The jobs of a step in order; empty: nothing to do. */
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

/** A look at the application's process, for a step; undefined: without a pid file its state is unknown. */
export const lookOf = (step: string, context: StepContext, marks: readonly string[] = []): StepJob | undefined =>
  stepLook(step, context.setup, { ...context, env: environment(context) }, marks);

/** Steps that look at the process first. */
const looking: readonly StepName[] = ['stop', 'start', 'stop_new', 'start_old'];

/** All jobs that a step may run on a host, for the kill. */
export const allJobsOf = (step: StepName, context: StepContext): (StepJob | undefined)[] => [
  looking.includes(step) ? lookOf(step, context) : undefined,
  ...jobsOf(step, context),
];

/** Shared context of the jobs of one instance's step. */
export interface StepPlace {
  taskId: number;
  position: number;
  workingDirectory: Job['cwd'];
  env: Job['env'];
  /** Additional environment of Slipway's own scripts. */
  ownEnv: Job['env'];
}

/** Jobs of a step, each with its permanent id on the host. */
export const stepJobs = (step: string, bodies: readonly StepBody[], at: StepPlace): StepJob[] =>
  bodies.map((body, index) => jobOf(step, body, index, at));

/** A look as a job of a step; undefined without a pid file. */
export function stepLook(
  step: string,
  setup: Pick<SubTaskSetup, 'pidPath'>,
  at: StepPlace,
  marks: readonly string[] = [],
): StepJob | undefined {
  const [body] = whenPid(setup, processes.look, { SLIPWAY_STARTED: linesOf(marks) });
  return body && jobOf(step, body, 'look', at);
}

/** Identifies the instance of a task in job ids. */
type JobAt = Pick<StepPlace, 'taskId' | 'position'>;

/** The permanent id of a job of a step on its host. */
export const jobIdOf = ({ taskId, position }: JobAt, step: string, name: number | string): string =>
  `t${taskId}-p${position}-${step}-${name}`;

function jobOf(step: string, { name, env, isOwn, ...body }: StepBody, index: number | string, at: StepPlace): StepJob {
  const cwd = isOwn ? '/' : at.workingDirectory;
  const all = { ...at.env, ...(isOwn && at.ownEnv), ...env };
  return { ...body, id: jobIdOf(at, step, name ?? index), cwd, env: all };
}

/** A job without id and place. */
export interface StepBody {
  script: Job['script'];
  user: string | null;
  /** Its name in the step, instead of its index. */
  name?: string;
  /** Additional environment. */
  env?: Job['env'];
  /** Slipway's own script, which runs in the host's root. */
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

/** A command line of the application, as its user; empty: nothing to do. */
const command = (line: string, { runUser }: Pick<SubTaskSetup, 'runUser'>): StepBody[] =>
  line === '' ? [] : [{ script: bash(`${plainLine(line)}\n`), user: runUser }];

/** A script on the process in the pid file, if there is one. */
const whenPid = ({ pidPath }: Pick<SubTaskSetup, 'pidPath'>, content: string, env: Job['env']): StepBody[] =>
  pidPath === '' ? [] : [own(content, env)];

/** The file name of a package on a host while its sub-task runs. */
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

/** Environment mark of the processes of a start; empty: they can't be told from those of another Slipway. */
export const startMark = (at: JobAt & { setup: SubTaskSetup }, step: string): string =>
  at.setup.nonce === undefined ? '' : jobIdOf(at, step, at.setup.nonce);

/** The start command; its processes carry the mark. */
export const starting = (at: JobAt & { setup: SubTaskSetup }, step: string): StepBody[] =>
  command(at.setup.startupCmd, at.setup).map((body) => ({ ...body, env: { SLIPWAY_START: startMark(at, step) } }));

/** Waits until the process of a start comes up. */
export const checking = (setup: SubTaskSetup, { since = '' }: Told = {}): StepBody[] =>
  whenPid(setup, processes.checkLives, { SLIPWAY_SINCE: since, SLIPWAY_SECONDS: String(secondsOf(setup).start) });

/** With a pid file the process decides, not the command's exit status, so a crashed application can be upgraded. */
export function stopping(setup: SubTaskSetup, mayFail = false, { process: told = '' }: Told = {}): StepBody[] {
  if (setup.stopCmd === '') return [];
  const env = { SLIPWAY_TOLD: told, SLIPWAY_SECONDS: String(secondsOf(setup).stop) };
  const check = whenPid(setup, processes.checkGone, env);
  return [...command(setup.stopCmd, setup).map((job) => ({ ...job, mayFail: mayFail || check.length > 0 })), ...check];
}

/**
 * Waits until the process being stopped ends, and kills it after the time. Runs as the application's user: they write the
 * pid file, and root would kill any process it names.
 */
export const endingTold = ({ runUser }: SubTaskSetup, { process: told = '', seconds = 0 }: Told = {}): StepBody => ({
  ...own(processes.endTold, { SLIPWAY_TOLD: told, SLIPWAY_SECONDS: String(seconds) }),
  user: runUser,
  name: 'told',
});

/** Ends leftovers of starts, as the application's user; `leavesShown`: except the process in the pid file. */
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

/**
 * The first job waits until the process being stopped ends. Job names are kept compatible with those from before that wait.
 */
function startingAgain(context: StepContext): StepBody[] {
  const start = starting(context, 'start_old').map((body) => ({ ...body, name: context.setup.pidPath ? '1' : '0' }));
  const check = start.length === 0 ? [] : checking(context.setup, context.told);
  return [endingTold(context.setup, context.told), ...start, ...check.map((body) => ({ ...body, name: '2' }))];
}
