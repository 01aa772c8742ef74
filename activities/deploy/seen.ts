// What a look at the application's process has said. The host keeps it with the job, so that later steps of the same task, on
// whatever worker, know which process was there before a stop or a start, and when that began.
import { runJob } from '../tasks/follow-job.ts';
import type { JobState } from '../providers/runner/driver.ts';
import { failureOf } from '../tasks/job-end.ts';
import type { StepJob, Work } from '../tasks/run-step.ts';

/** Exit statuses of `look` besides 0, that something runs. */
const nothingRuns = 3;
const notShown = 5;

const answerBytes = 512;

/** What one look saw; the texts are empty where it could not tell, or where another version of Slipway looked. */
export interface Seen {
  runs: boolean;
  /** The process that runs, `pid start`. */
  process: string;
  /** The number in the pid file, if it is that of a process which is not the application's. */
  other: string;
  /** When it looked, as the start of a process. */
  time: string;
}

function parse(runs: boolean, answer: string): Seen {
  const [word = '', pid = '', start = '', time = ''] = answer.trim().split(' ');
  return { runs, process: word === 'runs' ? `${pid} ${start}` : '', other: word === 'other' ? pid : '', time };
}

/** Null: it could not look, or does not know. */
function seenBy({ state, exitCode }: JobState, answer: string): Seen | null {
  if (state !== 'exited' || (exitCode !== 0 && exitCode !== nothingRuns)) return null;
  return parse(exitCode === 0, answer);
}

/** Looks at the application's process; in words why nobody can tell. */
export async function lookAt({ to, runner, host }: Work, look: StepJob | undefined): Promise<Seen | string> {
  if (!look) return 'there is no pid file';
  const view = await runJob(to, runner, host, look, ['stderr']);
  const seen = seenBy(view, view.stdout.data.toString());
  if (seen) return seen;
  if (view.exitCode === notShown) return 'what was started runs, and the pid file does not name it';
  return `look: ${failureOf(view) ?? 'it said nothing'}`;
}

/** What a look of an earlier step of the same task saw; null: there was none. */
export async function seenBefore({ runner, host }: Work, lookId: string): Promise<Seen | null> {
  const state = await runner.state(host, lookId);
  if (state.state !== 'exited') return null;
  const { data } = await runner.output(host, lookId, 'stdout', 0, answerBytes);
  return seenBy(state, data.toString());
}

/**
 * The process that a stop command has told to end, `pid start`; empty: none, as far as is known. A command that ended with
 * another status than 0 has refused; one that was killed may have told it.
 */
export async function toldToEnd(work: Work, lookId: string, commandId: string): Promise<string> {
  const seen = await seenBefore(work, lookId);
  if (!seen?.process) return '';
  const { state, exitCode, signal } = await work.runner.state(work.host, commandId);
  const refused = state === 'exited' && signal === null && exitCode !== 0;
  return state === 'absent' || refused ? '' : seen.process;
}
