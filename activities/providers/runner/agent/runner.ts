// A runner over hosts that have Slipway's agent. Transports hold the differences between `ssh` and `salt`; jobs, files and
// error messages are implemented here once.
import { open } from 'node:fs/promises';
import { posix } from 'node:path';
import { refused, unavailable } from '../../error.ts';
import type {
  DirectoryEntry,
  FileStat,
  FolderChoice,
  HostPlace,
  Job,
  JobState,
  JobView,
  EndedTasks,
  OutputBlock,
  PutOptions,
  RealPath,
  StreamBlock,
  Swept,
} from '../driver.ts';
import type { Runner, RunnerHost, StreamOffsets } from '../driver.ts';
import { printedText } from '../../printed-text.ts';
import { checkEnvironment, checkJobId, checkPath, ensureWanted, keptName } from '../check-paths.ts';
import { commandOf } from '../../../../kit/shebang.ts';
import { keptBytes } from '../output-view.ts';
import { answerIn, bytesIn, dataField, field, newMarker, noAgent, recordsIn } from './protocol.ts';
import type { AgentReply } from './protocol.ts';

export interface Upload {
  source: string;
  sha256: string;
  signal: AbortSignal | undefined;
}

/** How bytes reach hosts. Each call throws ProviderError and is idempotent. */
export interface Transport {
  readonly provider: string;
  /** How long a look may wait on the host for new output, and linger for more, in ms. */
  readonly lookMs: { wait: number; linger: number };
  /** Throws if the host's name is invalid. */
  checkHost(host: RunnerHost): void;
  /** Passes a request to the agent on the host and waits for its response up to the timeout. */
  ask(host: RunnerHost, request: string, patienceMs: number): Promise<AgentReply>;
  /** Installs the agent on the host. */
  install(host: RunnerHost): Promise<AgentReply>;
  /** The temporary name, next to the target, of a file with this checksum. */
  temporaryName(sha256: string): string;
  /** Uploads a file of this machine to a path on the host, unless aborted; false: it must be sent in blocks. */
  upload(host: RunnerHost, file: Upload, path: string): Promise<boolean>;
}

const patienceMs = 30_000;
const killMs = 15_000;
const sweepMs = 120_000;
/** Salt drops requests and responses over 1 MiB, and base64 adds a third. */
const blockBytes = 192 * 1024;
const kinds: Record<string, DirectoryEntry['kind']> = { f: 'file', d: 'directory', l: 'link' };

class AgentRunner implements Runner {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async #ask(host: RunnerHost, fields: string[], patience = patienceMs): Promise<string[]> {
    const { provider } = this.#transport;
    const marker = newMarker();
    const request = [marker, ...fields].join(' ');
    let reply = await this.#transport.ask(host, request, patience);
    if (reply.code === noAgent) {
      await this.#install(host);
      reply = await this.#transport.ask(host, request, patience);
    }
    const answer = answerIn(reply, marker);
    if (!answer) throw unavailable(provider, notUnderstood(host, reply));
    if (answer.word === 'ok') return answer.values;
    const message = bytesIn(answer.values[0]).toString();
    throw (answer.word === 'refused' ? refused : unavailable)(provider, message);
  }

  async #install(host: RunnerHost): Promise<void> {
    const reply = await this.#transport.install(host);
    if (reply.code !== 0) throw unavailable(this.#transport.provider, notUnderstood(host, reply));
  }

  #onJob(host: RunnerHost, operation: string, jobId: string, more: string[] = [], patience?: number) {
    this.#transport.checkHost(host);
    checkJobId(this.#transport.provider, jobId);
    return this.#ask(host, [operation, field(jobId), ...more], patience);
  }

  #onFile(host: RunnerHost, operation: string, path: string, more: string[] = []) {
    return this.#ask(host, [operation, field(this.path(host, path)), ...more]);
  }

  path(host: RunnerHost, path: string): string {
    this.#transport.checkHost(host);
    checkPath(this.#transport.provider, path);
    return posix.normalize(path).replace(/(.)\/$/, '$1');
  }

  async prepare(host: RunnerHost): Promise<void> {
    await this.ping(host);
  }

  async ping(host: RunnerHost): Promise<void> {
    this.#transport.checkHost(host);
    await this.#ask(host, ['ping']);
  }

  async start(host: RunnerHost, job: Job): Promise<void> {
    await this.#onJob(host, 'start', job.id, this.#jobFields(host, job));
  }

  #jobFields(host: RunnerHost, job: Job): string[] {
    const { provider } = this.#transport;
    checkEnvironment(provider, job.env);
    const { language, content } = job.script;
    const { when, then, otherwise } = typeof job.cwd === 'string' ? plain(job.cwd) : job.cwd;
    const folders = [then, when, otherwise].map((path) => (path === '' ? '' : this.path(host, path)));
    const interpreter = commandOf(language, content).join('\n');
    const settings = [interpreter, wishedUser(job), ...folders, keptBytes(job)].map(field);
    const environment = Object.entries(job.env).map(([name, value]) => `=${name}=${field(value)}`);
    return [...settings, dataField(Buffer.from(content)), ...environment];
  }

  async state(host: RunnerHost, jobId: string): Promise<JobState> {
    return this.#stateIn(host, await this.#onJob(host, 'state', jobId));
  }

  async run(host: RunnerHost, job: Job, from: StreamOffsets): Promise<JobView> {
    const fields = [...this.#lookFields(from), ...this.#jobFields(host, job)];
    return this.#viewIn(host, await this.#onJob(host, 'run', job.id, fields));
  }

  async look(host: RunnerHost, jobId: string, from: StreamOffsets): Promise<JobView> {
    return this.#viewIn(host, await this.#onJob(host, 'look', jobId, this.#lookFields(from)));
  }

  #lookFields({ stdout, stderr }: StreamOffsets): string[] {
    const { wait, linger } = this.#transport.lookMs;
    return [stdout, stderr, blockBytes, wait, linger].map(field);
  }

  #viewIn(host: RunnerHost, values: string[]): JobView {
    const stdout = streamBlockOf(values.slice(4, 8));
    const stderr = streamBlockOf(values.slice(8, 12));
    return { ...this.#stateIn(host, values), stdout, stderr };
  }

  #stateIn(host: RunnerHost, [state, code, signal, notes]: string[]): JobState {
    if (state !== 'absent' && state !== 'running' && state !== 'exited' && state !== 'unknown') {
      throw unavailable(this.#transport.provider, `${host.name} says of the job what is not understood`);
    }
    return {
      state,
      exitCode: code === '-' ? null : Number(code),
      signal: signal === '-' ? null : (signal ?? null),
      notes: bytesIn(notes)
        .toString()
        .split('\n')
        .filter((note) => note !== ''),
    };
  }

  async output(host: RunnerHost, jobId: string, stream: 'stdout' | 'stderr', offset: number, limit: number) {
    const most = Math.min(limit, blockBytes);
    return streamBlockOf(await this.#onJob(host, 'output', jobId, [stream, offset, most].map(field)));
  }

  async kill(host: RunnerHost, jobId: string, graceMs: number): Promise<void> {
    await this.#onJob(host, 'kill', jobId, [field(graceMs)], patienceMs + killMs + graceMs);
  }

  async forget(host: RunnerHost, jobId: string): Promise<void> {
    await this.#onJob(host, 'forget', jobId);
  }

  async sweep(host: RunnerHost, { below, except }: EndedTasks): Promise<Swept> {
    this.#transport.checkHost(host);
    const fields = [field(below), field(except.join(','))];
    const [dropped, more] = await this.#ask(host, ['sweep', ...fields], sweepMs);
    return { dropped: Number(dropped), more: more === 'yes' };
  }

  async stat(host: RunnerHost, path: string): Promise<FileStat> {
    const [kind, size] = await this.#onFile(host, 'stat', path);
    const known = kind === 'file' || kind === 'directory' || kind === 'absent' ? kind : 'other';
    return { kind: known, size: Number(size) };
  }

  async realPaths(host: RunnerHost, paths: readonly string[]): Promise<RealPath[]> {
    const [found] = await this.#ask(host, ['real', ...paths.map((path) => field(this.path(host, path)))]);
    const records = recordsIn(found);
    return paths.map((_, index) => {
      const path = records[index];
      return path ? { kind: 'path', path } : { kind: 'absent' };
    });
  }

  async list(host: RunnerHost, path: string): Promise<DirectoryEntry[]> {
    const [found] = await this.#onFile(host, 'list', path);
    const records = recordsIn(found);
    const entries: DirectoryEntry[] = [];
    for (let at = 0; at + 2 < records.length; at += 3) {
      const [head = '', name = '', target = ''] = records.slice(at, at + 3);
      const [type = '', size, mode = '0'] = head.split(' ');
      const kind = kinds[type] ?? 'other';
      const isLink = kind === 'link';
      entries.push({
        name,
        kind,
        size: kind === 'file' ? Number(size) : 0,
        mode: Number.parseInt(mode, 8),
        target: isLink ? target : null,
      });
    }
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async readBlock(host: RunnerHost, path: string, offset: number, length: number): Promise<OutputBlock> {
    const blocks: Buffer[] = [];
    for (let at = offset; ;) {
      const wanted = Math.min(blockBytes, offset + length - at);
      const { data, size } = blockOf(await this.#onFile(host, 'read', path, [at, wanted].map(field)));
      blocks.push(data);
      at += data.length;
      if (data.length < blockBytes || at >= offset + length) return { data: Buffer.concat(blocks), size };
    }
  }

  async putFile(host: RunnerHost, place: HostPlace, source: string, options: PutOptions): Promise<void> {
    const { sha256, mode = 0o644, signal } = options;
    const { provider } = this.#transport;
    this.#transport.checkHost(host);
    const target = typeof place === 'string' ? this.path(host, place) : `@/${keptName(provider, place)}`;
    const put = (operation: string, path: string, more: string[] = []) =>
      this.#ask(host, [operation, field(path), ...more]);
    const wanted = [field(sha256), field(mode.toString(8))];
    ensureWanted(provider, signal);
    const [found, real] = await put('put-check', target, wanted);
    if (found === 'same') return;
    const name = this.#transport.temporaryName(sha256);
    const temporary = posix.join(posix.dirname(target), name);
    try {
      const upload = posix.join(posix.dirname(bytesIn(real).toString()), name);
      const isThere = await this.#transport.upload(host, { source, sha256, signal }, upload);
      if (!isThere) await this.#sendBlocks(host, source, temporary, signal);
      ensureWanted(provider, signal);
      await put('put-end', target, [...wanted, field(temporary)]);
    } catch (error) {
      await put('drop', temporary).catch(() => undefined);
      ensureWanted(provider, signal);
      throw error;
    }
  }

  async #sendBlocks(host: RunnerHost, source: string, temporary: string, signal?: AbortSignal): Promise<void> {
    const file = await open(source, 'r');
    try {
      const buffer = Buffer.alloc(blockBytes);
      let offset = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, blockBytes, offset);
        if (bytesRead === 0 && offset > 0) return;
        ensureWanted(this.#transport.provider, signal);
        const block = dataField(buffer.subarray(0, bytesRead));
        await this.#ask(host, ['put-block', field(temporary), field(offset), block]);
        offset += bytesRead;
        if (bytesRead === 0) return;
      }
    } finally {
      await file.close();
    }
  }
}

/** The mark forbids root as the user. */
const wishedUser = ({ user, neverRoot }: Job): string => (user ? `${user}${neverRoot ? ' !root' : ''}` : '');

const plain = (folder: string): FolderChoice => ({ when: '', then: folder, otherwise: '' });

function blockOf([size, data]: string[]): OutputBlock {
  return { data: bytesIn(data), size: Number(size) };
}

function streamBlockOf([size, offset, cut, data]: string[]): StreamBlock {
  return { data: bytesIn(data), size: Number(size), offset: Number(offset), isCut: cut === 'yes' };
}

function notUnderstood({ name }: RunnerHost, { code, stdout, stderr }: AgentReply): string {
  const printed = printedText(stdout, stderr);
  const what = printed === '' ? 'and prints nothing' : `and prints: ${printed}`;
  return `${name} gives no answer (exit status ${code}) ${what}`;
}

/** Creates a runner over this transport; several may work on the same hosts. */
export const createAgentRunner = (transport: Transport): Runner => new AgentRunner(transport);
