import type { Job, JobView, Runner, RunnerHost, StreamBlock, StreamOffsets } from './driver.ts';

const blockBytes = 256 * 1024;
const usualKeptBytes = 50 * 2 ** 20;
const leastKeptBytes = 64 * 1024;
const nothing = (offset: number): StreamBlock => ({ data: Buffer.alloc(0), size: 0, offset, isCut: false });

/** Most that a host keeps of a job's output. */
export const keptBytes = ({ outputLimitBytes = usualKeptBytes }: Pick<Job, 'outputLimitBytes'>): number =>
  Math.max(outputLimitBytes, leastKeptBytes);

/** The folder that a job is to run in. */
export async function chosen(cwd: Job['cwd'], isFolder: (path: string) => boolean | Promise<boolean>): Promise<string> {
  if (typeof cwd === 'string') return cwd;
  return (await isFolder(cwd.when)) ? cwd.then : cwd.otherwise;
}

/** A look at a job made of single calls, for runners to which they cost nothing. */
export async function viewOf(
  runner: Pick<Runner, 'state' | 'output'>,
  host: RunnerHost,
  jobId: string,
  from: StreamOffsets,
): Promise<JobView> {
  // The state first: what is over by then has said all it had to say.
  const state = await runner.state(host, jobId);
  if (state.state === 'absent') return { ...state, stdout: nothing(from.stdout), stderr: nothing(from.stderr) };
  return {
    ...state,
    stdout: await runner.output(host, jobId, 'stdout', from.stdout, blockBytes),
    stderr: await runner.output(host, jobId, 'stderr', from.stderr, blockBytes),
  };
}
