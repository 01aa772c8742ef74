// Runs the `git` program without a shell and with its own environment: no configuration of the machine or its users, no
// prompts, no hooks, and only the address's protocol.
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';

interface GitCall {
  /** The bare repository to work on. */
  repository: string;
  /** Additional settings, `name=value`; must not contain secrets. */
  settings?: readonly string[];
  /** The only place for secrets. */
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
  // Locates `git` and `ssh`; the rest of the worker's environment is not passed on.
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

/** Starts git; the signal ends its whole process group. */
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

/** Ends a process and its children (git's helpers that talk to servers). */
function endGroup({ pid, exitCode, signalCode }: ChildProcessWithoutNullStreams): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

const most = 64 * 1024;

interface GitEnd {
  /** Null when it was killed, or could not be started. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs git to its end; keeps the last 64 KiB of its output. */
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
