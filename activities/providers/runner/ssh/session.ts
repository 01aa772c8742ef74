// A host's shared connection: opened at the first call, reopened when lost, closed when idle. Servers limit the channels of
// a connection (OpenSSH: 10); further calls wait.
import type { Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import { Semaphore } from '../../../../kit/limit.ts';
import { unavailable } from '../../error.ts';
import type { ProviderError } from '../../error.ts';
import type { RunnerHost } from '../driver.ts';
import type { AgentReply } from '../agent/protocol.ts';
import { connect, placeOf } from './connect.ts';
import type { SshSettings } from './settings.ts';

const mostChannels = 6;
/** A server counts a channel for a moment after it has closed. */
const openAgainMs = 100;
const openAttempts = 50;
const idleMs = 60_000;
const mostSaid = 16 * 2 ** 20;

interface Live {
  client: Client;
  socket: Socket;
  isLost: boolean;
}

export class SshSession {
  readonly #host: RunnerHost;
  readonly #settings: SshSettings;
  #live: Promise<Live> | null = null;
  readonly #channels = new Semaphore(mostChannels);
  #idle: NodeJS.Timeout | undefined;

  constructor(host: RunnerHost, settings: SshSettings) {
    this.#host = host;
    this.#settings = settings;
  }

  /** Runs a command with standard input. */
  run(command: string, input: string, patienceMs: number): Promise<AgentReply> {
    return this.#withClient((client) => this.#execute(client, command, input, patienceMs));
  }

  /** Uploads a file to the host in blocks; false when the host has no SFTP. */
  upload(source: string, path: string, limits: Limits): Promise<boolean> {
    return this.#withClient((client) => this.#transfer(client, source, path, limits));
  }

  /** Calls are idempotent, so one that hit a lost connection is repeated on a new one. */
  async #withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    return this.#channels.take(() => this.#onClient(work)).finally(() => this.#rest());
  }

  async #onClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const isNew = this.#live === null;
    const live = await this.#connected();
    live.socket.ref();
    try {
      return await work(live.client);
    } catch (error) {
      // A socket ends before its connection reports it; until then ssh2 fails as not connected.
      if (!live.socket.writable) this.#lose(live);
      if (!live.isLost || isNew) throw error;
      return await work((await this.#connected()).client);
    }
  }

  #rest(): void {
    if (!this.#channels.isIdle) return;
    // An idle connection must not keep the process alive.
    void this.#live?.then(({ socket }) => socket.unref()).catch(() => undefined);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#close(), idleMs).unref();
  }

  async #close(): Promise<void> {
    const live = await this.#live?.catch(() => null);
    live?.client.end();
  }

  #connected(): Promise<Live> {
    this.#live ??= this.#open().catch((error: unknown) => {
      this.#live = null;
      throw error;
    });
    return this.#live;
  }

  async #open(): Promise<Live> {
    const made: Live = { ...(await connect(this.#host, this.#settings)), isLost: false };
    made.client.on('error', () => undefined);
    made.client.once('close', () => this.#lose(made));
    return made;
  }

  /** Only once: by the next call, the connection may be another. */
  #lose(live: Live): void {
    if (live.isLost) return;
    live.isLost = true;
    this.#live = null;
  }

  #lost(reason: string): ProviderError {
    return unavailable('ssh', `${placeOf(this.#host, this.#settings)} does not answer: ${reason}`);
  }

  /** Runs a call that ends with the connection, or at its timeout. */
  #bounded<T>(client: Client, patienceMs: number, begin: Begin<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const closed = (): void => settle(() => reject(this.#lost('the connection was lost')));
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        client.removeListener('close', closed);
        how();
      };
      const fail = (reason: string): void => settle(() => reject(this.#lost(reason)));
      const timer = setTimeout(() => {
        fail(`no answer within ${Math.round(patienceMs / 1000)} seconds`);
        client.destroy();
      }, patienceMs);
      client.once('close', closed);
      begin({ resolve: (value) => settle(() => resolve(value)), fail, again: () => timer.refresh() });
    });
  }

  #execute(client: Client, command: string, input: string, patienceMs: number): Promise<AgentReply> {
    return this.#bounded(client, patienceMs, ({ resolve, fail }) => {
      const begun = (attempt: number) => (error: Error | undefined, channel: ClientChannel) => {
        if (error) {
          if (attempt < openAttempts) setTimeout(tryOpen, openAgainMs, attempt + 1);
          else fail(error.message);
          return;
        }
        const said = { stdout: '', stderr: '' };
        const listen = (name: 'stdout' | 'stderr') => (text: string) => {
          said[name] += text;
          if (said[name].length > mostSaid) channel.close();
        };
        channel.setEncoding('utf8').on('data', listen('stdout'));
        channel.stderr.setEncoding('utf8').on('data', listen('stderr'));
        channel.on('error', () => undefined);
        channel.once('close', (code: number | null) => resolve({ code: code ?? -1, ...said }));
        channel.end(input);
      };
      // A channel may open after the call has ended, on a lost connection.
      const tryOpen = (attempt: number): void => {
        try {
          client.exec(command, begun(attempt));
        } catch (error) {
          fail(error instanceof Error ? error.message : 'it is not connected');
        }
      };
      tryOpen(1);
    });
  }

  #transfer(client: Client, source: string, path: string, { patienceMs, signal }: Limits): Promise<boolean> {
    return this.#bounded(client, patienceMs, ({ resolve, fail, again }) => {
      client.sftp((error, sftp) => {
        if (error) return resolve(false);
        // The end of its channel ends the transfer.
        const giveUp = (): void => {
          sftp.end();
          fail('it was given up');
        };
        if (signal?.aborted) return giveUp();
        signal?.addEventListener('abort', giveUp, { once: true });
        sftp.fastPut(source, path, { mode: 0o600, step: again }, (failure) => {
          signal?.removeEventListener('abort', giveUp);
          sftp.end();
          if (failure) fail(failure.message);
          else resolve(true);
        });
      });
    });
  }
}

interface Limits {
  /** Timeout without progress. */
  patienceMs: number;
  signal: AbortSignal | undefined;
}

interface Course<T> {
  resolve(value: T): void;
  fail(reason: string): void;
  /** Progress: restarts the timeout. */
  again(): void;
}
type Begin<T> = (course: Course<T>) => void;
