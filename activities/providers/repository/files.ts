import { realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { unavailable } from '../error.ts';
import type { OutputBlock, Runner, RunnerHost } from '../runner/driver.ts';
import { checkPath } from '../runner/check-paths.ts';
import { listFolder, readPart, statFile, translated } from '../runner/local-files.ts';
import type { Files } from './driver.ts';
import { InvalidPackageError } from './refusal.ts';

const blockBytes = 1024 * 1024;

type ReadBlock = (path: string, offset: number, length: number) => Promise<OutputBlock>;

/** The bytes of a file of known size, block by block; throws a retryable error if it changes meanwhile. */
async function* blocksOf(readBlock: ReadBlock, path: string, size: number): AsyncGenerator<Buffer, void> {
  for (let offset = 0; offset < size;) {
    const block = await readBlock(path, offset, Math.min(blockBytes, size - offset));
    if (block.size !== size || block.data.length === 0) throw changed(path);
    offset += block.data.length;
    yield block.data;
  }
}

export const changed = (path: string) => unavailable('package', `${path} changes while it is read`);

/** Reads a host's files through its runner. */
export function hostFiles(runner: Runner, host: RunnerHost): Files {
  const readBlock: ReadBlock = (path, offset, length) => runner.readBlock(host, path, offset, length);
  return {
    stat: (path) => runner.stat(host, path),
    list: (path) => runner.list(host, path),
    content: (path, size) => blocksOf(readBlock, path, size),
  };
}

async function realOf(path: string): Promise<string | null> {
  checkPath('package', path);
  return realpath(path).catch(() => null);
}

/** Reads this machine's files, except Slipway's own data (keys, databases, other hosts). */
export function machineFiles(dataDir: string): Files {
  async function open(path: string): Promise<string | null> {
    const [real, own] = [await realOf(path), await realpath(resolve(dataDir)).catch(() => resolve(dataDir))];
    if (real === null) return null;
    if (real === own || real.startsWith(join(own, sep)) || own.startsWith(join(real, sep))) {
      throw new InvalidPackageError('path', null, `${path} is not taken from Slipway's own data`);
    }
    return real;
  }
  async function existing(path: string): Promise<string> {
    const real = await open(path);
    if (real === null) throw new InvalidPackageError('missing', null, `there is nothing at ${path}`);
    return real;
  }
  const readBlock: ReadBlock = async (path, offset, length) =>
    translated(path, readPart(await existing(path), offset, length));
  return {
    stat: async (path) => translated(path, statFile(await open(path))),
    list: async (path) => translated(path, listFolder(await existing(path))),
    content: (path, size) => blocksOf(readBlock, path, size),
  };
}
