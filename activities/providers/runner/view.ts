import type { Job, JobView, OutputBlock, Runner, RunnerHost, StreamOffsets } from './driver.ts';

const blockBytes = 256 * 1024;
const nothing = (): OutputBlock => ({ data: Buffer.alloc(0), size: 0 });

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
  if (state.state === 'absent') return { ...state, stdout: nothing(), stderr: nothing() };
  return {
    ...state,
    stdout: await runner.output(host, jobId, 'stdout', from.stdout, blockBytes),
    stderr: await runner.output(host, jobId, 'stderr', from.stderr, blockBytes),
  };
}
