import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageLimits } from '../../activities/providers/repository/limits.ts';
import { PackageStore } from '../../activities/providers/repository/store.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { packagesIn } from '../support/providers/packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-cache-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const host = { name: 'web-1', runner: 'local' as const, address: null };
const hoursAgo = (path: string, hours: number): void => {
  const time = new Date(Date.now() - hours * 3_600_000);
  utimesSync(path, time, time);
};

/** Three packages of about 100 kB each; `a` was asked for longest ago. */
async function three() {
  const dataDir = mkdtempSync(join(folder, 'data-'));
  const runner = createLocalRunner({ dataDir });
  await runner.prepare(host);
  const packages = packagesIn(dataDir);
  const fetch = (name: string, by = packages) => {
    writeFileSync(join(dataDir, 'hosts', host.name, `${name}.bin`), Buffer.alloc(100_000, name));
    return by.fetch({ runner, host }, `/${name}.bin`);
  };
  const [a, b, c] = [await fetch('a'), await fetch('b'), await fetch('c')];
  [a, b, c].forEach(({ tarPath }, index) => hoursAgo(tarPath, 10 - index));
  return { dataDir, fetch, a, b, c, store: new PackageStore(dataDir, packageLimits, 250_000) };
}

describe('the packages that a worker keeps', () => {
  test('beyond the size those asked for longest ago go, their records with them', async () => {
    const { store, a, b, c } = await three();
    await store.sweep();
    expect([a, b, c].map(({ tarPath }) => existsSync(tarPath))).toEqual([false, true, true]);
    expect(existsSync(a.tarPath.replace('.tar', '.json'))).toBe(false);
    expect(await store.find(a.sha256, 'a.bin')).toBeNull();
    expect(await store.find(b.sha256, 'b.bin')).toEqual(b);
  });

  test('one that is found counts as asked for', async () => {
    const { store, a, b } = await three();
    await store.find(a.sha256, 'a.bin');
    await store.sweep();
    expect([a, b].map(({ tarPath }) => existsSync(tarPath))).toEqual([true, false]);
  });

  test('one in use stays, and so does one asked for within the hour, even beyond the size', async () => {
    const { dataDir, a, b, c } = await three();
    const none = new PackageStore(dataDir, packageLimits, 0);
    hoursAgo(c.tarPath, 0.5);
    await none.using(a, () => none.sweep());
    expect([a, b, c].map(({ tarPath }) => existsSync(tarPath))).toEqual([true, false, true]);
    await none.sweep();
    expect(existsSync(a.tarPath)).toBe(false);
  });

  test('the end of a reading drops', async () => {
    const { dataDir, fetch, a, b } = await three();
    const small = packagesIn(dataDir, { cacheBytes: 250_000 });
    const found = await fetch('d', small);
    expect([a, b, found].map(({ tarPath }) => existsSync(tarPath))).toEqual([false, false, true]);
    expect(readFileSync(found.tarPath).length).toBeGreaterThan(100_000);
  });

  test('copies of repositories count, and what a killed worker left goes, keys first of all', async () => {
    const { dataDir, store, a, b, c } = await three();
    const [copy, key] = [join(dataDir, 'repositories/x.git'), join(dataDir, 'repositories/.access-1')];
    const part = join(dataDir, 'packages/.part');
    for (const path of [copy, key]) mkdirSync(path, { recursive: true });
    writeFileSync(join(copy, 'pack'), Buffer.alloc(100_000));
    writeFileSync(join(key, 'key'), 'secret');
    writeFileSync(part, '');
    hoursAgo(copy, 20);
    for (const path of [key, part]) hoursAgo(path, 2);
    await store.sweep();
    expect([copy, key, part, a.tarPath].map((path) => existsSync(path))).toEqual([false, false, false, false]);
    expect([b, c].map(({ tarPath }) => existsSync(tarPath))).toEqual([true, true]);
  });
});
