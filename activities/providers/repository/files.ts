import { realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { DirectoryEntry, FileStat, OutputBlock, Runner, RunnerHost } from '../runner/driver.ts';
import { checkPath } from '../runner/ids.ts';
import { listFolder, readPart, statFile, translated } from '../runner/local-files.ts';
import { PackageRefused } from './refusal.ts';

/** Where a package is read from. */
export interface Files {
  stat(path: string): Promise<FileStat>;
  list(path: string): Promise<DirectoryEntry[]>;
  readBlock(path: string, offset: number, length: number): Promise<OutputBlock>;
}

/** The files of a host, through its runner. */
export function hostFiles(runner: Runner, host: RunnerHost): Files {
  return {
    stat: (path) => runner.stat(host, path),
    list: (path) => runner.list(host, path),
    readBlock: (path, offset, length) => runner.readBlock(host, path, offset, length),
  };
}

async function realOf(path: string): Promise<string | null> {
  checkPath('package', path);
  return realpath(path).catch(() => null);
}

/** The files of this very machine, Slipway's own data (keys, databases, other hosts) excepted. */
export function machineFiles(dataDir: string): Files {
  async function open(path: string): Promise<string | null> {
    const [real, own] = [await realOf(path), await realpath(resolve(dataDir)).catch(() => resolve(dataDir))];
    if (real === null) return null;
    if (real === own || real.startsWith(join(own, sep)) || own.startsWith(join(real, sep))) {
      throw new PackageRefused('path', null, `${path} is not taken from Slipway's own data`);
    }
    return real;
  }
  async function existing(path: string): Promise<string> {
    const real = await open(path);
    if (real === null) throw new PackageRefused('missing', null, `there is nothing at ${path}`);
    return real;
  }
  return {
    stat: async (path) => translated(path, statFile(await open(path))),
    list: async (path) => translated(path, listFolder(await existing(path))),
    readBlock: async (path, offset, length) => translated(path, readPart(await existing(path), offset, length)),
  };
}
