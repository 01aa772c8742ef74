// Ends what a run of the provider tests has started, however the run itself ends: it waits until its standard input is
// let go, which a kill does too. A process belongs to the run when it names the run's folder, or is in the process group
// of one that does.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../harness.ts';

const [folder = 'none'] = process.argv.slice(2);
/** Where hosts keep the agent and its jobs: here, all hosts are this machine. */
const agentHome = '/var/lib/slipway';
const graceMs = 5_000;

interface Process {
  pid: number;
  group: number;
  /** Arguments and environment. */
  text: string;
}

function readProcess(pid: number): Process | null {
  try {
    const at = (name: string): string => readFileSync(join('/proc', String(pid), name), 'utf8');
    const [state, , group] = at('stat').split(') ').at(-1)?.split(' ') ?? [];
    if (state === 'Z') return null;
    return { pid, group: Number(group), text: `${at('cmdline')}\0${at('environ')}` };
  } catch {
    // It has ended meanwhile.
    return null;
  }
}

const processes = (): Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => readProcess(Number(name)))
    .filter((one) => one !== null);

/** Other runs at work on this machine. */
const otherRuns = (): boolean => processes().some(({ text }) => text.includes('servers/cleanup-process.ts\0'));

function left(): Process[] {
  const all = processes();
  const ours = all.filter(({ text }) => text.includes(folder));
  const groups = new Set(ours.filter(({ pid, group }) => pid === group).map(({ group }) => group));
  return all.filter((one) => ours.includes(one) || groups.has(one.group));
}

async function endAll(signal: NodeJS.Signals): Promise<void> {
  for (const { pid } of left())
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  await eventually(() => left().length === 0, { timeout: graceMs, interval: 50 }).catch(() => undefined);
}

/** Users that were made for the run live in its folder. */
function removeUsers(): void {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [name = '', , , , , home = ''] = line.split(':');
    if (home.startsWith(`${folder}/`)) execFileSync('userdel', ['--force', name], { stdio: 'ignore' });
  }
}

const isAgentOurs = !existsSync(agentHome) && !otherRuns();
process.stdin.resume();
process.stdin.once('end', () => void cleanUp());

async function cleanUp(): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) await endAll(signal);
  removeUsers();
  if (isAgentOurs && !otherRuns()) rmSync(agentHome, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
