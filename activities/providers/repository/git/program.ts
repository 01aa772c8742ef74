// The `git` program, called with argument lists and an environment of its own: no configuration of the machine or of its
// users, no prompts, no hooks, no protocol but the one that the address names.
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

export interface GitCall {
  /** The bare repository that it works on. */
  repository: string;
  /** Further settings, `name=value`; none may hold a secret. */
  settings?: readonly string[];
  /** Secrets travel here alone. */
  env?: Readonly<Record<string, string>>;
  args: readonly string[];
  signal: AbortSignal;
}

const settings = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.alternateRefsCommand=',
  'credential.helper=',
  'protocol.allow=never',
  'http.followRedirects=false',
  'http.emptyAuth=false',
  'submodule.recurse=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'fetch.unpackLimit=1',
  'fetch.fsckObjects=false',
];

const environment = (home: string): Record<string, string> => ({
  // Where `git` and `ssh` are; nothing else of the worker's environment is passed on.
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin',
  HOME: home,
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  SSH_ASKPASS: '/bin/false',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_LFS_SKIP_SMUDGE: '1',
  GIT_OPTIONAL_LOCKS: '0',
});

/** Starts git; its whole process group ends when the signal says so. */
export function startGit({ repository, settings: more = [], env = {}, args, signal }: GitCall) {
  const options = [...settings, ...more].flatMap((one) => ['-c', one]);
  const child = spawn('git', [`--git-dir=${repository}`, ...options, ...args], {
    cwd: '/',
    env: { ...environment(repository), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const end = (): void => endGroup(child);
  signal.addEventListener('abort', end, { once: true });
  child.once('close', () => signal.removeEventListener('abort', end));
  if (signal.aborted) end();
  return child;
}

/** Ends a process and all that it has started (the helpers of git that talk to servers). */
export function endGroup({ pid, exitCode, signalCode }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

const most = 64 * 1024;

export interface GitEnd {
  /** Null when it was ended, or could not be started. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs git to its end; keeps the last 64 KiB of what it says. */
export async function runGit(call: GitCall): Promise<GitEnd> {
  const child = startGit(call);
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] = (said[stream] + text).slice(-most);
    });
  child.stdin.on('error', () => undefined).end();
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve({ code: null, stdout: '', stderr: error.code === 'ENOENT' ? 'slipway: git is not installed' : '' });
    });
    child.once('close', (code) => resolve({ code, ...said }));
  });
}
