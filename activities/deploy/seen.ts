// Results of looks at the application's process. The host keeps them with the job, so later steps, on any worker, know which
// process existed before a stop or start, and when that began.
import { runJob } from '../tasks/follow-job.ts';
import type { JobState } from '../providers/runner/driver.ts';
import { failureOf } from '../tasks/job-end.ts';
import type { StepJob, StepWork } from '../tasks/run-step.ts';

/** Exit statuses of `look` other than 0, something runs. */
const nothingRuns = 3;
const notShown = 5;

const answerBytes = 512;

/** The result of a look; texts are empty if unknown, or if another version of Slipway looked. */
export interface Seen {
  runs: boolean;
  /** The running process, `pid start`. */
  process: string;
  /** The number in the pid file, if its process is not the application's. */
  other: string;
  /** Time of the look, as the start of a process. */
  time: string;
}

function parse(runs: boolean, answer: string): Seen {
  const [word = '', pid = '', start = '', time = ''] = answer.trim().split(' ');
  return { runs, process: word === 'runs' ? `${pid} ${start}` : '', other: word === 'other' ? pid : '', time };
}

/** Null: the look failed, or its result is unknown. */
function seenBy({ state, exitCode }: JobState, answer: string): Seen | null {
  if (state !== 'exited' || (exitCode !== 0 && exitCode !== nothingRuns)) return null;
  return parse(exitCode === 0, answer);
}

/** Looks at the application's process; returns a message if its state is unknown. */
export async function lookAt({ to, runner, host }: StepWork, look: StepJob | undefined): Promise<Seen | string> {
  if (!look) return 'there is no pid file';
  const view = await runJob(to, runner, host, look, ['stderr']);
  const seen = seenBy(view, view.stdout.data.toString());
  if (seen) return seen;
  if (view.exitCode === notShown) return 'what was started runs, and the pid file does not name it';
  return `look: ${failureOf(view) ?? 'it said nothing'}`;
}

/** The result of a look by an earlier step of the same task; null: there is no result. */
export async function seenBefore({ runner, host }: StepWork, lookId: string): Promise<Seen | null> {
  const state = await runner.state(host, lookId);
  if (state.state !== 'exited') return null;
  const { data } = await runner.output(host, lookId, 'stdout', 0, answerBytes);
  return seenBy(state, data.toString());
}

/**
 * The process that a stop command signalled, `pid start`; empty: none known. A command with an exit status other than 0
 * refused; one that was killed may have signalled it.
 */
export async function toldToEnd(work: StepWork, lookId: string, commandId: string): Promise<string> {
  const seen = await seenBefore(work, lookId);
  if (!seen?.process) return '';
  const { state, exitCode, signal } = await work.runner.state(work.host, commandId);
  const refused = state === 'exited' && signal === null && exitCode !== 0;
  return state === 'absent' || refused ? '' : seen.process;
}
