// What every kind of repository promises, whatever it is spoken to by: the same files are the same package.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageLimits } from '../../activities/providers/repository/limits.ts';
import type { PackagePlace } from '../../activities/providers/repository/packages.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { tarOf, zipOf } from '../support/providers/archives.ts';
import { packagesIn } from '../support/providers/packages.ts';
import type { PackagesWish } from '../support/providers/packages.ts';
import { expectRefusal } from './runner.suite.ts';

export interface RepositoryUnderTest {
  /** How its driver is set up. */
  options: PackagesWish;
  /** Makes the files of a folder all that it holds. */
  fill(folder: string): void;
  place(): PackagePlace;
  /** The same with a password or key that is not the right one, and that secret; null: there is none. */
  wrong(): { place: PackagePlace; secret: string } | null;
  /** The same at another port of this machine; null: it is at no port. */
  at(port: number): PackagePlace | null;
  connections(): number | null;
  stop(): Promise<void>;
}

/** Files by path; a link is `{ link }`. */
type Tree = Record<string, string | Buffer | { link: string } | { program: string }>;

export function writeTree(folder: string, tree: Tree): void {
  for (const [path, what] of Object.entries(tree)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    if (Buffer.isBuffer(what) || typeof what === 'string') writeFileSync(file, what, { mode: 0o644 });
    else if ('link' in what) symlinkSync(what.link, file);
    else writeFileSync(file, what.program, { mode: 0o755 });
  }
}

const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const tar = tarOf([
  { path: 'app/VERSION', content: '1' },
  { path: 'app/data', content: randomBytes(300_000) },
]);
const archives = {
  'app.zip': zipOf([{ path: 'app/VERSION', content: '1' }]),
  'app.tar': tar,
  'app.tar.gz': gzipSync(tar),
  'app.tgz': gzipSync(tar),
  'app.war': zipOf([{ path: 'WEB-INF/web.xml', content: '<web-app/>' }]),
};
const tree: Tree = {
  'dist/VERSION': '1.0.0\n',
  'dist/bin/run': { program: '#!/bin/sh\nexit 0\n' },
  'dist/conf/a b.conf': 'x=1\n',
  'dist/-rf': 'a name like an option\n',
  'dist/$(touch injected)': 'a name like a command\n',
  'dist/start': { link: 'bin/run' },
  'escape/etc': { link: '../../../etc' },
  'bad/slip.zip': zipOf([{ path: '../../evil', content: 'x' }]),
  'bad/absolute.tar': tarOf([{ path: '/etc/evil', content: 'x' }]),
  'bad/device.tar': tarOf([{ path: 'null', type: 'CharacterDevice' }]),
  'bad/damaged.tgz': 'no archive at all',
  ...Object.fromEntries(Object.entries(archives).map(([name, content]) => [`pack/${name}`, content])),
};

export function describeRepository(name: string, start: () => Promise<RepositoryUnderTest>): void {
  describe(`a package from ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-repository-'));
    const files = join(folder, 'files');
    let subject: RepositoryUnderTest;
    beforeAll(async () => {
      subject = await start();
      writeTree(files, tree);
      subject.fill(files);
    });
    afterAll(async () => {
      await subject.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const fresh = (wish: PackagesWish = {}) =>
      packagesIn(mkdtempSync(join(folder, 'data-')), { ...subject.options, ...wish });

    test.each(Object.entries(archives))('%s is known by the checksum of its bytes', async (file, content) => {
      const found = await fresh().fetch(subject.place(), `pack/${file}`);
      expect(found).toMatchObject({ sha256: sha256Of(content), size: content.length });
      expect(found.entries).toBe(file === 'app.war' || file === 'app.zip' ? 1 : 2);
    });

    test('a folder is the same package as the same folder on a host', async () => {
      const host = { name: 'web-1', runner: 'local' as const, address: null };
      const data = mkdtempSync(join(folder, 'data-'));
      const runner = createLocalRunner({ dataDir: data });
      await runner.prepare(host);
      const onHost = await packagesIn(data).fetch({ runner, host }, join(files, 'dist'));
      const [one, two] = [fresh(), fresh()];
      const { tarPath: _, ...found } = await one.fetch(subject.place(), 'dist');
      expect(onHost).toMatchObject(found);
      expect(await two.fetch(subject.place(), './dist/')).toMatchObject(found);
    });

    test('what is kept is found by its checksum without asking anybody', async () => {
      const packages = fresh();
      const found = await packages.fetch(subject.place(), 'dist');
      const before = subject.connections();
      expect(await packages.find(found.sha256, 'dist')).toEqual(found);
      expect(subject.connections()).toBe(before);
    });

    test('what is not there is refused by name', async () => {
      await expectRefusal(fresh().fetch(subject.place(), 'pack/none.tar'), 'refused', 'there is no package at');
      await expectRefusal(fresh().fetch(subject.place(), '../etc'), 'refused', 'not a path inside');
    });

    test.each(['slip.zip', 'absolute.tar', 'device.tar', 'damaged.tgz'])('bad/%s is refused', async (file) => {
      await expectRefusal(fresh().fetch(subject.place(), `bad/${file}`), 'refused');
    });

    test('a link out of a folder is refused', async () => {
      await expectRefusal(fresh().fetch(subject.place(), 'escape'), 'refused', 'out of the package');
    });

    test('too many bytes and too many entries are refused', async () => {
      const small = fresh({ limits: { ...packageLimits, unpackedBytes: 100_000 } });
      await expectRefusal(small.fetch(subject.place(), 'pack/app.tar'), 'refused', 'more than');
      const few = fresh({ limits: { ...packageLimits, entries: 5 } });
      await expectRefusal(few.fetch(subject.place(), 'dist'), 'refused', 'more than 5 entries');
    });

    test('a wrong password or key is refused, and named nowhere', async () => {
      const wrong = subject.wrong();
      if (!wrong) return;
      const error: unknown = await fresh()
        .fetch(wrong.place, 'dist')
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('does not accept') });
      expect(String((error as Error).stack)).not.toContain(wrong.secret);
    });

    test('a port without a listener is unavailable; an unresponsive one, after a while', async () => {
      const sockets: Socket[] = [];
      const silent = createServer((socket) => void sockets.push(socket));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const { port } = silent.address() as AddressInfo;
      const place = subject.at(port);
      const packages = fresh({ idleMs: 700, timeoutMs: 4_000 });
      if (place) await expectRefusal(packages.fetch(place, 'dist'), 'unavailable');
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
      if (place) await expectRefusal(packages.fetch(place, 'dist'), 'unavailable');
    });

    test('a read without remaining waiters ends, and a later one starts again', async () => {
      const packages = fresh();
      const leaving = new AbortController();
      const left = packages.fetch(subject.place(), 'dist', leaving.signal);
      leaving.abort();
      await expectRefusal(left, 'unavailable', 'cancelled');
      expect((await packages.fetch(subject.place(), 'dist')).entries).toBeGreaterThan(5);
    });
  });
}
