// The agent without a connection: its requests go to a shell of this machine. What SSH and Salt add has its tests there.
import { spawn } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unavailable } from '../../activities/providers/error.ts';
import { agentScript, askCommand, hostKey, installCommand } from '../../activities/providers/runner/agent/protocol.ts';
import type { Reply } from '../../activities/providers/runner/agent/protocol.ts';
import { createAgentRunner } from '../../activities/providers/runner/agent/runner.ts';
import type { Transport } from '../../activities/providers/runner/agent/runner.ts';
import type { RunnerHost } from '../../activities/providers/runner/driver.ts';
import { checkHostName } from '../../activities/providers/runner/ids.ts';
import { unique } from '../harness.ts';
import { filesWith, valuesSuite } from './runner-values.suite.ts';
import type { WithFolders } from './runner-values.suite.ts';
import { endOf, expectRefusal, jobOf, runnerSuite, said } from './runner.suite.ts';

const host: RunnerHost = { name: 'web-1.example', runner: 'ssh', address: null };

function shell(agentFolder: string, [command, ...args]: string[], input: string): Promise<Reply> {
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
    child.once('close', (code) => resolve({ code: code ?? -1, ...said }));
    // Who finds no agent has ended without reading.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** A transport to this machine; other hosts do not answer. */
function shellTransport(agentFolder: string, ask = (key: string): string[] => [askCommand(key)]): Transport {
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
      return shell(agentFolder, ask(key), `other-host ping\n${key} ${request}\n`);
    },
    install: async (to) => {
      reach(to);
      return shell(agentFolder, [installCommand], agentScript);
    },
    temporaryName: (sha256) => `.slipway-${sha256}`,
    upload: async () => false,
  };
}

const made = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'slipway-agent-')));
const keptIn = (agentFolder: string, jobId: string): string => join(agentFolder, 'jobs', hostKey(host.name), jobId);

async function open(): Promise<WithFolders> {
  const folder = made();
  const folderOf = (jobId: string): string => keptIn(join(folder, 'agent'), jobId);
  const another = () => createAgentRunner(shellTransport(join(folder, 'agent')));
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

runnerSuite('agent', open);
valuesSuite('agent', open);

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
