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
import { runnerSuite } from './runner.suite.ts';

const host: RunnerHost = { name: 'web-1.example', runner: 'ssh', address: null };

function shell(agentFolder: string, command: string, input: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', command], { env: { PATH: '/usr/bin:/bin', SLIPWAY_AGENT_DIR: agentFolder } });
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
function shellTransport(agentFolder: string): Transport {
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
      return shell(agentFolder, askCommand(key), `other-host ping\n${key} ${request}\n`);
    },
    install: async (to) => {
      reach(to);
      return shell(agentFolder, installCommand, agentScript);
    },
    temporaryName: (sha256) => `.slipway-${sha256}`,
    upload: async () => false,
  };
}

runnerSuite('agent', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-agent-')));
  const another = () => createAgentRunner(shellTransport(join(folder, 'agent')));
  await another().prepare(host);
  return {
    host,
    folder,
    another,
    teach: () => undefined,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
});
