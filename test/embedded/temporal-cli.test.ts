import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cliVersion, findTemporalCli, type CliSource } from '../../embedded/temporal-cli.ts';
import { quiet, temporaryDataDir } from '../support/embedded/helpers.ts';

let dataDir: string;
let cacheDir: string;
beforeEach(() => {
  dataDir = temporaryDataDir();
  cacheDir = join(dataDir, 'cache');
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

const working = '#!/bin/sh\necho temporal version 1.0.0\n';
const refused: CliSource = { name: 'first source', fetch: () => Promise.reject(new Error('no network')) };

function source(script: string): CliSource & { fetched: number } {
  return {
    name: 'second source',
    fetched: 0,
    fetch(folder) {
      this.fetched++;
      const path = join(folder, 'temporal');
      writeFileSync(path, script);
      return Promise.resolve(path);
    },
  };
}

test('the program that the operator set is taken, and refused by name when it does not work', async () => {
  const cli = join(dataDir, 'mine');
  await expect(findTemporalCli({ dataDir, cli, log: quiet })).rejects.toThrow(/SLIPWAY_TEMPORAL_CLI .*not there/);
  writeFileSync(cli, working, { mode: 0o755 });
  await expect(findTemporalCli({ dataDir, cli, log: quiet })).resolves.toBe(cli);
});

test('a source that fails is followed by the next, and what was fetched is kept for other data folders', async () => {
  const second = source(working);
  const search = { dataDir, cacheDir, sources: [refused, second], path: [], log: quiet };
  const found = await findTemporalCli(search);
  expect(found).toBe(join(cacheDir, `temporal-${cliVersion}`));
  const other = join(dataDir, 'other');
  await expect(findTemporalCli({ ...search, dataDir: other })).resolves.toBe(found);
  expect(second.fetched).toBe(1);
});

test('a program in the data folder is found before anything is fetched', async () => {
  mkdirSync(join(dataDir, 'bin'));
  const kept = join(dataDir, 'bin', `temporal-${cliVersion}`);
  writeFileSync(kept, working, { mode: 0o755 });
  await expect(findTemporalCli({ dataDir, cacheDir, sources: [], path: [], log: quiet })).resolves.toBe(kept);
});

test('when nothing works the error tells everything that was tried and what to do', async () => {
  const sources = [refused, source('#!/bin/sh\nexit 3\n')];
  const failure = await findTemporalCli({ dataDir, cacheDir, sources, path: [], log: quiet }).catch(String);
  for (const part of ['SLIPWAY_TEMPORAL_CLI', 'TEMPORAL_ADDRESS', 'no network', 'second source', cacheDir])
    expect(failure).toContain(part);
});
