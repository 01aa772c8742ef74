// The runner `salt`: hosts with a minion, through salt-api. Commands sent to minions are constant; user input goes to the
// agent's standard input.
import { randomUUID } from 'node:crypto';
import { refused, HostUnreachableError, unavailable } from '../../error.ts';
import { printedText } from '../../printed-text.ts';
import type { Runner, RunnerHost } from '../driver.ts';
import type { MinionDirectory } from '../minions.ts';
import { agentScript, askCommand, hostKey, installCommand } from '../agent/protocol.ts';
import type { AgentReply } from '../agent/protocol.ts';
import { createAgentRunner } from '../agent/runner.ts';
import type { Transport, Upload } from '../agent/runner.ts';
import { isRecord, SaltApi } from './api.ts';
import type { SaltSettings } from './api.ts';
import { Batches } from './batches.ts';
import { SaltEvents } from './events.ts';
import { offer } from './file-root.ts';
import type { SaltCall } from './job.ts';
import { minionsOfMaster } from './minions.ts';

const provider = 'salt';
const installMs = 30_000;
const uploadMs = 300_000;
const mostAgain = 3;
/** A minion's name is a host's, and may also have _ and @; it becomes part of a command and of paths. */
const minionName = /^(?=.{1,253}$)[A-Za-z0-9_][A-Za-z0-9_@-]*(\.[A-Za-z0-9_@-]+)*$/;

/** Each minion inserts its own id, so that all can receive the same command. (Its grains may have a former name.) */
const ownKey = '{{ opts["id"] | replace(".", ":") }}';

const shell = (command: string, stdin: string, patienceMs: number): SaltCall => ({
  fun: 'cmd.run_all',
  arg: [command],
  kwarg: {
    stdin,
    template: 'jinja',
    // Salt splits the arguments itself: no shell except the named one.
    python_shell: false,
    ignore_retcode: true,
    output_loglevel: 'quiet',
    timeout: Math.ceil(patienceMs / 1000),
  },
});

class SaltTransport implements Transport {
  readonly provider = provider;
  /** A call costs the master and minion more than most commands do. */
  readonly lookMs = { wait: 3_000, linger: 1_000 };
  readonly #batches: Batches;
  readonly #fileRoot: string | undefined;
  readonly #run = randomUUID().slice(0, 8);

  constructor(batches: Batches, fileRoot: string | undefined) {
    this.#batches = batches;
    this.#fileRoot = fileRoot;
  }

  checkHost({ name }: RunnerHost): void {
    if (!minionName.test(name)) throw refused(provider, `not a minion's name: ${JSON.stringify(name.slice(0, 80))}`);
  }

  async ask({ name }: RunnerHost, request: string, patienceMs: number): Promise<AgentReply> {
    const call = (lines: string): SaltCall => shell(askCommand(ownKey), lines, patienceMs);
    const line = `${hostKey(name)} ${request}\n`;
    // A long timeout must not be shared with calls that have a short one.
    return replyOf(name, await this.#returned({ kind: `ask ${patienceMs}`, minion: name, line, patienceMs, call }));
  }

  async install({ name }: RunnerHost): Promise<AgentReply> {
    const call = (): SaltCall => shell(installCommand, agentScript, installMs);
    return replyOf(
      name,
      await this.#returned({ kind: 'install', minion: name, line: '', patienceMs: installMs, call }),
    );
  }

  /** Same for all minions of a chunk, so that they share one publish. */
  temporaryName(sha256: string): string {
    return `.slipway-${this.#run}-${sha256.slice(0, 16)}`;
  }

  async upload({ name }: RunnerHost, file: Upload, path: string): Promise<boolean> {
    if (this.#fileRoot === undefined) return false;
    const address = await offer(this.#fileRoot, file);
    const call = (): SaltCall => ({ fun: 'cp.get_file', arg: [address, path], kwarg: {} });
    const kind = `get ${address} ${path}`;
    const fetched = await this.#returned({ kind, minion: name, line: '', patienceMs: uploadMs, call });
    if (fetched === path) return true;
    throw unavailable(
      provider,
      `${name} does not get ${address}: is SLIPWAY_SALT_FILE_ROOT a folder of the master's file_roots?`,
    );
  }

  async #returned(wish: Parameters<Batches['run']>[0]): Promise<unknown> {
    let result = await this.#batches.run(wish);
    // All requests to a host are idempotent.
    for (let again = 0; result.kind === 'lost' && again < mostAgain; again += 1) result = await this.#batches.run(wish);
    switch (result.kind) {
      case 'returned':
        return result.value;
      case 'stranger':
        throw new HostUnreachableError(provider, `${wish.minion} is no minion whose key the master has accepted`);
      case 'lost':
        throw unavailable(provider, `the minion ${wish.minion} loses what it is asked: does it start again and again?`);
      case 'silent':
        throw new HostUnreachableError(
          provider,
          `the minion ${wish.minion} does not answer within ${wish.patienceMs / 1000} seconds`,
        );
    }
  }
}

function replyOf(name: string, value: unknown): AgentReply {
  if (isRecord(value) && typeof value['retcode'] === 'number') {
    return { code: value['retcode'], stdout: String(value['stdout']), stderr: String(value['stderr']) };
  }
  const printed = printedText(typeof value === 'string' ? value : JSON.stringify({ value }));
  throw unavailable(provider, `the minion ${name} could not do it, and says: ${printed}`);
}

/** Creates the `salt` driver, which also lists the master's minions. */
export function createSaltRunner(settings: SaltSettings): Runner & MinionDirectory {
  const api = new SaltApi(settings);
  const runner = createAgentRunner(
    new SaltTransport(new Batches({ api, events: new SaltEvents(api) }), settings.fileRoot),
  );
  return Object.assign(runner, { minions: () => minionsOfMaster(api) });
}
