// The runner `ssh`: hosts with an SSH server, with key authentication only and pinned host keys.
import { randomUUID } from 'node:crypto';
import type { Runner, RunnerHost } from '../driver.ts';
import { checkHostName } from '../check-paths.ts';
import { agentScript, askCommand, hostKey, installCommand } from '../agent/protocol.ts';
import { createAgentRunner } from '../agent/runner.ts';
import type { Transport, Upload } from '../agent/runner.ts';
import { SshSession } from './session.ts';
import type { SshSettings } from './settings.ts';

const installMs = 30_000;
/** Timeout without progress. */
const uploadMs = 60_000;

class SshTransport implements Transport {
  readonly provider = 'ssh';
  /** Calls are cheap, and a host has few at a time. */
  readonly lookMs = { wait: 0, linger: 0 };
  readonly #settings: SshSettings;
  readonly #sessions = new Map<string, SshSession>();

  constructor(settings: SshSettings) {
    this.#settings = settings;
  }

  #session(host: RunnerHost): SshSession {
    const key = `${host.name} ${host.address ?? ''}`;
    const known = this.#sessions.get(key);
    if (known) return known;
    const made = new SshSession(host, this.#settings);
    this.#sessions.set(key, made);
    return made;
  }

  checkHost({ name }: RunnerHost): void {
    checkHostName(this.provider, name);
  }

  ask(host: RunnerHost, request: string, patienceMs: number) {
    const key = hostKey(host.name);
    return this.#session(host).run(askCommand(key), `${key} ${request}\n`, patienceMs);
  }

  install(host: RunnerHost) {
    return this.#session(host).run(installCommand, agentScript, installMs);
  }

  temporaryName(): string {
    return `.slipway-${randomUUID()}`;
  }

  upload(host: RunnerHost, { source, signal }: Upload, path: string): Promise<boolean> {
    return this.#session(host).upload(source, path, { patienceMs: uploadMs, signal });
  }
}

/** Creates the `ssh` driver; idle connections close automatically. */
export const createSshRunner = (settings: SshSettings): Runner => createAgentRunner(new SshTransport(settings));
