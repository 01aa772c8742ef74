import type { Job, JobView, Runner, RunnerHost, StreamBlock, StreamOffsets } from './driver.ts';

const blockBytes = 256 * 1024;
const usualKeptBytes = 50 * 2 ** 20;
const leastKeptBytes = 64 * 1024;
const nothing = (offset: number): StreamBlock => ({ data: Buffer.alloc(0), size: 0, offset, isCut: false });

/** The limit of a job's output on its host. */
export const keptBytes = ({ outputLimitBytes = usualKeptBytes }: Pick<Job, 'outputLimitBytes'>): number =>
  Math.max(outputLimitBytes, leastKeptBytes);

/** Resolves the folder of a job. */
export async function chosen(cwd: Job['cwd'], isFolder: (path: string) => boolean | Promise<boolean>): Promise<string> {
  if (typeof cwd === 'string') return cwd;
  return (await isFolder(cwd.when)) ? cwd.then : cwd.otherwise;
}

/** Builds a look from single calls, for runners whose calls are cheap. */
export async function viewOf(
  runner: Pick<Runner, 'state' | 'output'>,
  host: RunnerHost,
  jobId: string,
  from: StreamOffsets,
): Promise<JobView> {
  // The state first: a job over by then has written all its output.
  const state = await runner.state(host, jobId);
  if (state.state === 'absent') return { ...state, stdout: nothing(from.stdout), stderr: nothing(from.stderr) };
  return {
    ...state,
    stdout: await runner.output(host, jobId, 'stdout', from.stdout, blockBytes),
    stderr: await runner.output(host, jobId, 'stderr', from.stderr, blockBytes),
  };
}
