// The agent without a connection: its requests go to a shell of this machine. What SSH and Salt add has its tests there.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unavailable } from '../../activities/providers/error.ts';
import { agentScript, askCommand, hostKey, installCommand } from '../../activities/providers/runner/agent/protocol.ts';
import type { AgentReply } from '../../activities/providers/runner/agent/protocol.ts';
import { createAgentRunner } from '../../activities/providers/runner/agent/runner.ts';
import type { Transport } from '../../activities/providers/runner/agent/runner.ts';
import type { RunnerHost } from '../../activities/providers/runner/driver.ts';
import { checkHostName } from '../../activities/providers/runner/check-paths.ts';
import { eventually, unique } from '../support/harness.ts';
import { sweepSuite } from './runner-sweep.suite.ts';
import { filesWith, valuesSuite } from './runner-values.suite.ts';
import type { WithFolders } from './runner-values.suite.ts';
import { endOf, expectRefusal, jobOf, runnerSuite, said } from './runner.suite.ts';

const host: RunnerHost = { name: 'web-1.example', runner: 'ssh', address: null };

/** What start files, banners and sudo print around an answer; `in` is printed while the agent writes. */
interface Noise {
  before?: string;
  after?: string;
  stderr?: string;
}

function shell(
  agentFolder: string,
  [command, ...args]: string[],
  input: string,
  noise: Noise = {},
): Promise<AgentReply> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command ?? '', ...args], {
      env: { PATH: '/usr/bin:/bin', SLIPWAY_AGENT_DIR: agentFolder },
    });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        said[stream] += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => {
      const stdout = `${noise.before ?? ''}${said.stdout}${noise.after ?? ''}`;
      resolve({ code: code ?? -1, stdout, stderr: `${noise.stderr ?? ''}${said.stderr}` });
    });
    // Who finds no agent has ended without reading.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** A transport to this machine; other hosts do not answer. */
function shellTransport(
  agentFolder: string,
  ask = (key: string): string[] => [askCommand(key)],
  noise: Noise = {},
): Transport {
  const reach = ({ name }: RunnerHost): void => {
    if (name !== host.name) throw unavailable('shell', `${name} does not answer`);
  };
  return {
    provider: 'shell',
    lookMs: { wait: 20_000, linger: 100 },
    checkHost: ({ name }) => checkHostName('shell', name),
    ask: async (to, request) => {
      reach(to);
      const key = hostKey(to.name);
      return shell(agentFolder, ask(key), `other-host ping\n${key} ${request}\n`, noise);
    },
    install: async (to) => {
      reach(to);
      return shell(agentFolder, [installCommand], agentScript, noise);
    },
    temporaryName: (sha256) => `.slipway-${sha256}`,
    upload: async () => false,
  };
}

const made = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'slipway-agent-')));
const keptIn = (agentFolder: string, jobId: string): string => join(agentFolder, 'jobs', hostKey(host.name), jobId);

async function open(noise: Noise = {}): Promise<WithFolders> {
  const folder = made();
  const folderOf = (jobId: string): string => keptIn(join(folder, 'agent'), jobId);
  const another = () => createAgentRunner(shellTransport(join(folder, 'agent'), undefined, noise));
  await another().prepare(host);
  return {
    host,
    folder,
    another,
    folderOf,
    teach: () => undefined,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

const frame = (words: string): string => `${'ab'.repeat(16)} ${words.length} ${words} ${'ab'.repeat(16)}\n`;
const noise: Noise = {
  before: `ok here\nrefused bm8=\n${frame('ok absent 0')}\u001b[1mWelcome to prod\u001b[0m, no newline`,
  after: 'unavailable bm8=\nlogout\r\n',
  stderr: 'We trust you have received the usual lecture from the local System Administrator.\n',
};

runnerSuite('agent, among what else a host prints,', () => open(noise));
valuesSuite('agent', open);
sweepSuite('agent', open);

describe('a host that gives no answer', () => {
  const key = hostKey(host.name);
  const unframed = (printed: string, code = 0) => [`printf '%b' "$0" >&2; exit ${code}`, printed];
  const says = async (ask: string[]): Promise<string> => {
    const folder = made();
    const runner = createAgentRunner(shellTransport(folder, () => ask));
    const error: unknown = await runner.ping(host).catch((caught: unknown) => caught);
    rmSync(folder, { recursive: true, force: true });
    expect(error).toMatchObject({ kind: 'unavailable' });
    return (error as Error).message;
  };

  test.each([
    ['a greeting', ['echo "Welcome to prod"'], 'prints: "Welcome to prod"'],
    ['nothing', ['exit 0'], 'prints nothing'],
    ['texts on both streams', ['echo one; echo two >&2; exit 3'], 'prints: "one", "two"'],
    ['the same text on both', ['echo one; echo one >&2'], 'prints: "one"'],
    ['control characters', unframed('\\033[31mred\\033]0;title\\007 \\0a\\tb\\r\\nc'), 'prints: "red a b c"'],
    ['credentials', ['echo "see http://me:hunter2@wiki.example/"'], 'prints: "see http://[redacted]@wiki.example/"'],
    [
      'a start file that reads the request',
      ['exec sh -c "$0" </dev/null', askCommand(key)],
      'prints: "the request has no part for this host, or a start file of the shell has read it"',
    ],
    ['what looks like an answer', ['echo ok here'], 'prints: "ok here"'],
  ])('with %s is told by what it prints', async (_what, ask, told) => {
    expect((await says(ask)).replace(/\(exit status \d\)/, '(…)')).toBe(
      `web-1.example gives no answer (…) and ${told}`,
    );
  });

  test('what it prints is cut, and a request that it sends back is not shown', async () => {
    const long = await says(['printf "%01000d" 7; exit 3']);
    expect(long).toBe(`web-1.example gives no answer (exit status 3) and prints: "${'0'.repeat(300)}…"`);
    const told = await says(['printf "Hello "; cat']);
    expect(told).toContain(`prints: "Hello other-host ping ${key}"`);
  });

  test('an answer that another process prints into is none', async () => {
    const into = (key: string): string[] => [`${askCommand(key)} | sed 's/ ok here / ok hello here /'`];
    const folder = made();
    await expectRefusal(createAgentRunner(shellTransport(folder, into)).ping(host), 'unavailable', 'gives no answer');
    rmSync(folder, { recursive: true, force: true });
  });
});

test('a job that has yet to run keeps its environment where only its runner reads it', async () => {
  const folder = made();
  const runner = createAgentRunner(shellTransport(folder));
  // An agent that does not find itself makes the job's folder and can launch nothing.
  const lost = (key: string): string[] => [agentScript, '/no/such/agent', folder, key];
  const value = `value-${unique()}`;
  const scenario = { script: 'echo "$SLIPWAY_VALUE"', behaviour: () => undefined };
  const job = jobOf(scenario, { env: { SLIPWAY_VALUE: value } });
  const kept = keptIn(folder, job.id);
  await expectRefusal(
    createAgentRunner(shellTransport(folder, lost)).start(host, job),
    'unavailable',
    'not be started',
  );
  expect(filesWith(kept, value)).toEqual(['env 600']);
  await runner.start(host, job);
  await endOf(runner, host, job.id);
  expect(await said(runner, host, job.id)).toBe(`${value}\n`);
  expect(filesWith(kept, value)).toEqual(['stdout 600']);
  rmSync(folder, { recursive: true, force: true });
});

describe('a sweep', () => {
  const folder = made();
  const runner = createAgentRunner(shellTransport(folder));
  const jobs = keptIn(folder, '');
  const children: number[] = [];
  const ended = { below: 100, except: [] };
  const nothing = { dropped: 0, more: false };

  beforeEach(async () => {
    rmSync(jobs, { recursive: true, force: true });
    await runner.prepare(host);
  });
  afterAll(() => {
    for (const pid of children) if (isAlive(pid)) process.kill(pid);
    rmSync(folder, { recursive: true, force: true });
  });

  const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
  const make = (...names: string[]): void => {
    for (const name of names) mkdirSync(join(jobs, name), { recursive: true });
  };

  /** A job that ended and left a child in its group, which it has named. */
  async function leaving(child: string): Promise<{ id: string; pid: number }> {
    const job = jobOf({ script: `${child} & echo $!`, behaviour: () => undefined }, { id: `t42-p0-start-${unique()}` });
    await runner.start(host, job);
    await endOf(runner, host, job.id);
    const pid = Number(await said(runner, host, job.id));
    children.push(pid);
    expect(isAlive(pid)).toBe(true);
    return { id: job.id, pid };
  }

  test('leaves what a job started alone; where that still says something, the output stays without the script', async () => {
    const silent = await leaving('sleep 600 >/dev/null 2>&1');
    const chatty = await leaving('(sleep 600; echo later)');
    expect(await runner.sweep(host, ended)).toEqual({ dropped: 1, more: false });
    expect(readdirSync(jobs)).toEqual([chatty.id]);
    expect([silent, chatty].map(({ pid }) => isAlive(pid))).toEqual([true, true]);
    expect(existsSync(join(jobs, chatty.id, 'script'))).toBe(false);
    expect(await said(runner, host, chatty.id)).toBe(`${chatty.pid}\n`);
    expect(await runner.sweep(host, ended)).toEqual(nothing);
    // The job's group: the child, and what it waits for.
    process.kill(-groupOf(chatty.id));
    await eventually(async () => (await runner.sweep(host, ended)).dropped === 1);
    expect(readdirSync(jobs)).toEqual([]);
    expect(isAlive(silent.pid)).toBe(true);
  });

  const groupOf = (jobId: string): number => Number.parseInt(readFileSync(join(jobs, jobId, 'process'), 'utf8'), 10);

  test('leaves a job to the kill that is being carried through, and takes it then', async () => {
    const { id } = await leaving('sleep 600 >/dev/null 2>&1');
    writeFileSync(join(jobs, id, 'kill'), '');
    expect(await runner.sweep(host, ended)).toEqual(nothing);
    await runner.kill(host, id, 100);
    expect(await runner.sweep(host, ended)).toEqual({ dropped: 1, more: false });
  });

  test('takes 1,000 jobs at most and says that there are more', async () => {
    make(...Array.from({ length: 1_003 }, (_, index) => `t42-p${index}-start-0`), 't100-p0-start-0');
    expect(await runner.sweep(host, ended)).toEqual({ dropped: 1_000, more: true });
    expect(await runner.sweep(host, ended)).toEqual({ dropped: 3, more: false });
    expect(readdirSync(jobs)).toEqual(['t100-p0-start-0']);
  });

  test('takes names as they are, and nothing that is not a job of an ended task', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(join(outside, 'started'), { recursive: true });
    make('t7- $(touch made) `touch made`', 't7-a\nb', 't7-*', 't7--rf', 't99-\\n');
    const kept = [
      't01-a',
      't1',
      'tt1-a',
      'tx-1',
      '-t1-a',
      '42-a',
      't1x-a',
      't9999999999999999999-a',
      't7 -a',
      't100-a',
    ];
    make(...kept);
    symlinkSync(outside, join(jobs, 't7-link'));
    writeFileSync(join(jobs, 't7-file'), '');
    expect(await runner.sweep(host, ended)).toEqual({ dropped: 5, more: false });
    expect(readdirSync(jobs).sort()).toEqual([...kept, 't7-link', 't7-file'].sort());
    expect(existsSync(outside)).toBe(true);
  });

  test('takes what was left half made or half removed once it is a day old', async () => {
    make('.new.old', '.gone.old/t1-a', '.new.fresh', '.other');
    for (const name of ['.new.old', '.gone.old', '.other']) utimesSync(join(jobs, name), new Date(0), new Date(0));
    expect(await runner.sweep(host, ended)).toEqual(nothing);
    expect(readdirSync(jobs).sort()).toEqual(['.new.fresh', '.other']);
  });

  test('finds nothing on a host that never had a job, and refuses what is no id', async () => {
    expect(await runner.sweep(host, ended)).toEqual(nothing);
    await expectRefusal(runner.sweep(host, { below: -1, except: [] }), 'refused', 'not the id of a task');
  });

  test('is an error where what is kept cannot be removed', async () => {
    make('t7-a');
    // Root may remove whatever it wants.
    const become = process.getuid?.() === 0 ? 'setpriv --reuid=65534 --clear-groups ' : '';
    chmodSync(folder, 0o755);
    chmodSync(jobs, 0o555);
    const powerless = createAgentRunner(shellTransport(folder, (key) => [`${become}${askCommand(key)}`]));
    await expectRefusal(powerless.sweep(host, ended), 'unavailable', 'cannot be removed');
    chmodSync(jobs, 0o755);
    expect(readdirSync(jobs)).toEqual(['t7-a']);
  });
});
