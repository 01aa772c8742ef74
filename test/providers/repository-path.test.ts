import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InvalidPackageError } from '../../activities/providers/repository/refusal.ts';
import type { Runner } from '../../activities/providers/runner/driver.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import { oddNames } from '../support/odd-names.ts';
import { tarOf } from '../support/providers/archives.ts';
import { packagesIn } from '../support/providers/packages.ts';
import { expectRefusal } from './runner.suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-path-'));
const dataDir = join(folder, 'data');
const host = { name: 'web-1', runner: 'local' as const, address: null };
const root = join(dataDir, 'hosts', host.name);
const runner: Runner = createLocalRunner({ dataDir });
const packages = packagesIn(dataDir);

beforeAll(() => runner.prepare(host));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function place(path: string, content: Buffer | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

describe('a package at a path on a host', () => {
  test('an archive is read block by block and known by the checksum of the file', async () => {
    const bytes = tarOf([{ path: 'app/data', content: randomBytes(5_000_000) }]);
    place(join(root, 'srv/app-1.tar'), bytes);
    const found = await packages.fetch({ runner, host }, '/srv/app-1.tar');
    expect(found).toMatchObject({ sha256: sha256Of(bytes), size: bytes.length, entries: 1 });
    expect(found.tarSha256).toBe(sha256Of(readFileSync(found.tarPath)));
    expect(dirname(found.tarPath)).toBe(join(dataDir, 'packages'));
    expect(await packages.find(found.sha256, '/srv/app-1.tar')).toEqual(found);
    expect(await packagesIn(dataDir).find(found.sha256, '/srv/app-1.tar')).toEqual(found);
  });

  test('nothing but tars and their records is kept', () => {
    for (const name of readdirSync(join(dataDir, 'packages'))) expect(name).toMatch(/^[0-9a-f]{64}.*\.(tar|json)$/);
  });

  test('ten callers at once share one reading', async () => {
    const world = createMemoryWorld();
    const memory = createMemoryRunner(world);
    const far = { ...host, name: 'far', runner: 'salt' as const };
    await memory.prepare(far);
    world.hosts.get('far')?.files.set('/p/app.war', { data: randomBytes(3_500_000), mode: 0o644 });
    const all = await Promise.all(
      Array.from({ length: 10 }, () => packages.fetch({ runner: memory, host: far }, '/p/app.war')),
    );
    expect(new Set(all.map((found) => found.tarSha256)).size).toBe(1);
    expect(world.calls).toMatchObject({ stat: 1, readBlock: 4 });
  });

  test('a changed file is another package at the next reading', async () => {
    place(join(root, 'srv/one.bin'), 'one');
    const one = await packages.fetch({ runner, host }, '/srv/one.bin');
    place(join(root, 'srv/one.bin'), 'two');
    const two = await packages.fetch({ runner, host }, '/srv/one.bin');
    expect(two.sha256).toBe(sha256Of(Buffer.from('two')));
    expect(two.sha256).not.toBe(one.sha256);
  });

  test('a file that changes while it is read is tried again later, never half taken', async () => {
    const world = createMemoryWorld();
    const memory = createMemoryRunner(world);
    const far = { ...host, name: 'far', runner: 'salt' as const };
    await memory.prepare(far);
    const files = world.hosts.get('far')?.files;
    files?.set('/p/log', { data: Buffer.alloc(2_000_000), mode: 0o644 });
    const growing: Runner = Object.create(memory, {
      readBlock: {
        value: async (...args: Parameters<Runner['readBlock']>) => {
          const block = await memory.readBlock(...args);
          files?.set('/p/log', { data: Buffer.alloc(2_000_001), mode: 0o644 });
          return block;
        },
      },
    }) as Runner;
    const bound = new Proxy(growing, {
      get: (target, name: keyof Runner) => (name === 'readBlock' ? target[name] : memory[name].bind(memory)),
    });
    await expectRefusal(packages.fetch({ runner: bound, host: far }, '/p/log'), 'unavailable', 'changes while');
  });
});

describe('a folder as a package', () => {
  const make = (base: string): void => {
    place(join(base, 'bin/run'), '#!/bin/sh\n');
    chmodSync(join(base, 'bin/run'), 0o755);
    place(join(base, 'conf/a b'), 'x=1');
    mkdirSync(join(base, 'empty'), { recursive: true });
    symlinkSync('bin/run', join(base, 'start'));
  };

  test('comes out whole, and the same folder elsewhere has the same checksums', async () => {
    make(join(root, 'srv/dist'));
    make(join(root, 'opt/copy'));
    const one = await packages.fetch({ runner, host }, '/srv/dist');
    const two = await packages.fetch({ runner, host }, '/opt/copy/');
    expect(two).toEqual(one);
    expect(await packages.find(one.sha256, '/srv/dist')).toEqual(one);
    const listed = execFileSync('tar', ['-tf', one.tarPath], { encoding: 'utf8' });
    expect(listed.trim().split('\n')).toEqual(['bin/', 'bin/run', 'conf/', 'conf/a b', 'empty/', 'start']);
  });

  test('another content, name, mode or link is another package', async () => {
    const seen = new Set<string>();
    const note = async (): Promise<void> => void seen.add((await packages.fetch({ runner, host }, '/srv/vary')).sha256);
    const base = join(root, 'srv/vary');
    make(base);
    await note();
    place(join(base, 'conf/a b'), 'x=2');
    await note();
    chmodSync(join(base, 'bin/run'), 0o644);
    await note();
    rmSync(join(base, 'start'));
    symlinkSync('conf', join(base, 'start'));
    await note();
    mkdirSync(join(base, 'more'));
    await note();
    expect(seen.size).toBe(5);
  });

  test('keeps its modes, and is the package that it was before where they are the plain ones', async () => {
    const base = join(root, 'srv/modes');
    place(join(base, 'a'), 'x');
    chmodSync(join(base, 'a'), 0o644);
    chmodSync(base, 0o700);
    const plain = await packages.fetch({ runner, host }, '/srv/modes');
    const line = `${JSON.stringify(['file', 'a', false, sha256Of(Buffer.from('x'))])}\n`;
    expect(plain.sha256).toBe(sha256Of(Buffer.from(line)));
    chmodSync(join(base, 'a'), 0o4640);
    const other = await packages.fetch({ runner, host }, '/srv/modes');
    expect(other.sha256).not.toBe(plain.sha256);
    expect(execFileSync('tar', ['-tvf', other.tarPath], { encoding: 'utf8' })).toMatch(/^-rw-r----- /);
  });

  test.each(oddNames)('takes a name as it is, or refuses it: $what', async ({ bytes, listed }) => {
    const base = join(root, 'srv/odd', bytes.toString('hex'));
    mkdirSync(base, { recursive: true });
    writeFileSync(Buffer.concat([Buffer.from(`${base}/`), bytes]), 'x');
    const fetched = packages.fetch({ runner, host }, `/srv/odd/${bytes.toString('hex')}`);
    if (listed === null) return expectRefusal(fetched, 'refused', 'the name is not UTF-8');
    const listing = execFileSync('tar', ['-tf', (await fetched).tarPath, '--quoting-style=literal'], {
      encoding: 'utf8',
    });
    expect(listing).toBe(`${listed}\n`);
  });

  test('a link to a name that is not UTF-8 is refused, not led elsewhere', async () => {
    mkdirSync(join(root, 'srv/led'));
    symlinkSync(Buffer.from('caf\xe9', 'latin1'), join(root, 'srv/led/l'));
    await expectRefusal(packages.fetch({ runner, host }, '/srv/led'), 'refused', 'its target is not UTF-8');
  });

  test('a link that leads out of it, a pipe in it, and nothing in it are refused', async () => {
    place(join(root, 'srv/out/a'), 'x');
    symlinkSync('../../../secret', join(root, 'srv/out/b'));
    await expectRefusal(packages.fetch({ runner, host }, '/srv/out'), 'refused', 'out of the package');
    place(join(root, 'srv/piped/a'), 'x');
    execFileSync('mkfifo', [join(root, 'srv/piped/b')]);
    await expectRefusal(packages.fetch({ runner, host }, '/srv/piped'), 'refused', 'neither file');
    mkdirSync(join(root, 'srv/none'));
    await expectRefusal(packages.fetch({ runner, host }, '/srv/none'), 'refused', 'nothing');
  });
});

describe('where a local host looks', () => {
  test('never in Slipway’s own data, by name or by link, nor in a folder that holds it', async () => {
    place(join(dataDir, 'master-key'), 'secret');
    symlinkSync(join(dataDir, 'master-key'), join(folder, 'harmless'));
    for (const path of [join(dataDir, 'master-key'), join(folder, 'harmless'), dataDir, folder]) {
      const error: unknown = await packages.fetch({ runner, host }, path).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ reason: 'path', kind: 'refused' });
    }
  });

  test('below the folder of the host first, then on the machine itself', async () => {
    const path = join(folder, 'elsewhere.war');
    place(path, 'of the machine');
    expect((await packages.fetch({ runner, host }, path)).sha256).toBe(sha256Of(Buffer.from('of the machine')));
    place(join(root, path), 'of the host');
    expect((await packages.fetch({ runner, host }, path)).sha256).toBe(sha256Of(Buffer.from('of the host')));
  });

  test('a host that is not local is not looked for here', async () => {
    const memory = createMemoryRunner(createMemoryWorld());
    const far = { ...host, name: 'far', runner: 'ssh' as const };
    await memory.prepare(far);
    const path = join(folder, 'only-here.war');
    place(path, 'x');
    await expectRefusal(packages.fetch({ runner: memory, host: far }, path), 'refused', `no package at ${path}`);
  });

  test.each(['relative.tar', '/a/../b.tar', '/', '//', '/a\0b'])('the path %j is refused', async (path) => {
    await expectRefusal(packages.fetch({ runner, host }, path), 'refused');
  });

  test('a missing package and a missing host are told apart', async () => {
    await expect(packages.fetch({ runner, host }, '/no/such')).rejects.toThrow(InvalidPackageError);
    await expectRefusal(packages.fetch({ runner, host: { ...host, name: 'gone' } }, '/no/such'), 'unavailable');
  });
});
