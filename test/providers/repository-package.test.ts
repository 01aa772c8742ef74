import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { packageLimits } from '../../activities/providers/repository/limits.ts';
import { inspectPackage } from '../../activities/providers/repository/package.ts';
import { InvalidPackageError } from '../../activities/providers/repository/refusal.ts';
import type { RefusalReason } from '../../activities/providers/repository/refusal.ts';
import { PackageStore } from '../../activities/providers/repository/store.ts';
import type { Item } from '../support/providers/archives.ts';
import { tarOf, withSum, zipOf } from '../support/providers/archives.ts';
import { workbench } from '../support/providers/workbench.ts';

const { folder, store, write, refusalOf, unpack, link } = workbench();
const x = { content: 'x' };

const application: Item[] = [
  { path: './app/', type: 'Directory', mode: 0o700 },
  { path: './app/run', content: '#!/bin/sh\n', mode: 0o4750 },
  { path: 'app/conf', content: 'x=1\n', mode: 0o600 },
  { path: 'app/latest', type: 'SymbolicLink', linkpath: 'run' },
  { path: 'app/deep/er/file', content: randomBytes(3000) },
  { path: 'app/same', type: 'Link', linkpath: 'app/conf' },
  { path: 'app/with space/"q"\n\u00e9', content: 'odd' },
  { path: `app/${'long/'.repeat(40)}name`, content: 'far' },
  { path: `app/${'n'.repeat(200)}`, content: 'one long name' },
  { path: 'app/far', type: 'SymbolicLink', linkpath: `${'long/'.repeat(40)}name` },
];

describe('what is taken', () => {
  test.each([
    ['app.tar', (bytes: Buffer) => bytes],
    ['app.tar.gz', gzipSync],
    ['app.TGZ', gzipSync],
  ])('%s comes out whole, with its modes and no owners', async (name, pack) => {
    const { made, target } = await unpack(name, pack(tarOf(application)));
    expect(made).toMatchObject({ entries: 10 });
    expect(readFileSync(join(target, 'app/run'), 'utf8')).toBe('#!/bin/sh\n');
    expect(statSync(join(target, 'app/run')).mode & 0o7777).toBe(0o750);
    expect(statSync(join(target, 'app/conf')).mode & 0o7777).toBe(0o600);
    expect(statSync(join(target, 'app')).mode & 0o7777).toBe(0o700);
    expect(statSync(join(target, 'app/run')).mtime.toISOString()).toBe('2024-05-06T07:08:10.000Z');
    expect(readlinkSync(join(target, 'app/latest'))).toBe('run');
    expect(readFileSync(join(target, 'app/same'), 'utf8')).toBe('x=1\n');
    expect(readFileSync(join(target, 'app/with space/"q"\n\u00e9'), 'utf8')).toBe('odd');
    expect(readFileSync(join(target, `app/${'long/'.repeat(40)}name`), 'utf8')).toBe('far');
    expect(readFileSync(join(target, `app/${'n'.repeat(200)}`), 'utf8')).toBe('one long name');
    expect(readFileSync(join(target, 'app/far'), 'utf8')).toBe('far');
    expect(execFileSync('tar', ['-tvf', made.tarPath], { encoding: 'utf8' })).not.toContain('me/');
  });

  test('a zip comes out whole, with the modes and links that it carries', async () => {
    const { target } = await unpack(
      'app.zip',
      zipOf([
        { path: 'app/', mode: 0o040755 },
        { path: 'app/run', content: 'go', mode: 0o100755 },
        { path: 'app/data', content: 'x'.repeat(200_000) },
        { path: 'app/latest', content: 'run', mode: 0o120777 },
        { path: 'app/\u4e2d\u6587', content: 'zh' },
      ]),
    );
    expect(statSync(join(target, 'app/run')).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(target, 'app/data'), 'utf8')).toHaveLength(200_000);
    expect(readlinkSync(join(target, 'app/latest'))).toBe('run');
    expect(readFileSync(join(target, 'app/\u4e2d\u6587'), 'utf8')).toBe('zh');
  });

  test('what system tar makes is taken: long names in either format', async () => {
    const source = mkdtempSync(join(folder, 'in-'));
    mkdirSync(join(source, 'd'.repeat(120)));
    writeFileSync(join(source, 'd'.repeat(120), 'f'.repeat(120)), 'content');
    for (const format of ['gnu', 'pax']) {
      const file = join(folder, `system-${format}.tar`);
      execFileSync('tar', ['-cf', file, `--format=${format}`, '-C', source, '.']);
      const { target } = await unpack(`${format}.tar`, readFileSync(file));
      expect(readFileSync(join(target, 'd'.repeat(120), 'f'.repeat(120)), 'utf8')).toBe('content');
    }
  });

  test('a long name that is cut at a slash in the old field is still a file', async () => {
    const source = mkdtempSync(join(folder, 'in-'));
    const path = `${'d'.repeat(97)}/${'f'.repeat(20)}`;
    mkdirSync(join(source, 'd'.repeat(97)));
    writeFileSync(join(source, path), 'content');
    const file = join(folder, 'cut.tar');
    execFileSync('tar', ['-cf', file, '--format=gnu', '-C', source, `./${path}`]);
    const { target } = await unpack('cut.tar', readFileSync(file));
    expect(readFileSync(join(target, path), 'utf8')).toBe('content');
  });

  test.each(['app.war', 'server', 'odd name "$x"'])('the plain file %j is placed as it is', async (name) => {
    const bytes = randomBytes(100_000);
    const { made, target } = await unpack(`/srv/${name}`, bytes);
    expect(readdirSync(target)).toEqual([name]);
    expect(readFileSync(join(target, name)).equals(bytes)).toBe(true);
    expect(made).toMatchObject({ entries: 1, size: 100_000 });
  });

  test('a plain file that begins as a program is executable, another one is not', async () => {
    const program = await unpack('run', Buffer.from('#!/bin/sh\n'));
    const text = await unpack('readme', Buffer.from('hello\n'));
    expect(statSync(join(program.target, 'run')).mode & 0o777).toBe(0o755);
    expect(statSync(join(text.target, 'readme')).mode & 0o777).toBe(0o644);
  });

  test('the same input gives the same tar in another store, and the same bytes with other owners too', async () => {
    const { file, sha256 } = write(tarOf(application));
    const other = new PackageStore(join(folder, 'other'));
    const [one, two] = [await store.normalise(file, 'a.tar', sha256), await other.normalise(file, 'a.tar', sha256)];
    expect(two.tarSha256).toBe(one.tarSha256);
    expect(createHash('sha256').update(readFileSync(two.tarPath)).digest('hex')).toBe(one.tarSha256);
    expect(await other.find(sha256, 'b.tar')).toEqual(two);
    expect(await other.find('0'.repeat(64), 'a.tar')).toBeNull();
  });

  test('the canonical tar of a package never changes, as plans bind its checksum', async () => {
    const items = application.map((item) => (item.path === 'app/deep/er/file' ? { ...item, content: 'f' } : item));
    const { file, sha256 } = write(tarOf(items));
    expect((await store.normalise(file, 'a.tar', sha256)).tarSha256).toBe(
      '84b9f2ff2b6cda0771073ea6100c19d49f878bf05963d12c50ab67dc7b607af5',
    );
  });

  test('a plain file under another name is another tar', async () => {
    const { file, sha256 } = write(Buffer.from('same'));
    const [one, two] = [await store.normalise(file, 'one', sha256), await store.normalise(file, 'two', sha256)];
    expect(one.sha256).toBe(two.sha256);
    expect(one.tarSha256).not.toBe(two.tarSha256);
    expect(await store.find(sha256, 'two')).toEqual(two);
  });

  test('links within the package are taken, dead ones too', async () => {
    const { file } = write(
      tarOf([
        { path: 'a/b/c', content: 'x' },
        { path: 'a/up', type: 'SymbolicLink', linkpath: '../a/b' },
        { path: 'a/b/root', type: 'SymbolicLink', linkpath: '../..' },
        { path: 'dead', type: 'SymbolicLink', linkpath: 'no/such' },
      ]),
    );
    expect(await inspectPackage(file, 'a.tar')).toMatchObject({ kind: 'archive', entries: 4 });
  });
});

describe('what is refused in a tar', () => {
  const cases: [string, RefusalReason, string | null, Item[]][] = [
    ['an absolute path', 'path', '/etc/passwd', [{ path: '/etc/passwd', ...x }]],
    ['a path that climbs', 'path', 'a/../../b', [{ path: 'a/../../b', ...x }]],
    ['a path that climbs within', 'path', 'a/../b', [{ path: 'a/../b', ...x }]],
    ['a drive of Windows', 'path', 'C:/x', [{ path: 'C:/x', ...x }]],
    ['a backslash', 'path', '..\\x', [{ path: '..\\x', ...x }]],
    ['a name that is too long', 'path', `a/${'n'.repeat(256)}`, [{ path: `a/${'n'.repeat(256)}`, ...x }]],
    ['a link to an absolute path', 'link', 'l', [link('l', '/etc/passwd')]],
    ['a link that climbs out', 'link', 'a/l', [link('a/l', '../../etc')]],
    ['a link out through another link', 'link', 'out', [link('p/q/root', '../..'), link('out', 'p/q/root/../x')]],
    ['links in a circle', 'link', 'a', [link('a', 'b'), link('b', 'a')]],
    ['a file below a link', 'link', 'l/x', [{ path: 'd/y', ...x }, link('l', 'd'), { path: 'l/x', ...x }]],
    ['a link in place of a folder', 'duplicate', 'd', [{ path: 'd/y', ...x }, link('d', 'e')]],
    ['a file below a file', 'link', 'f/x', [{ path: 'f', ...x }, { path: 'f/x', ...x }]], // prettier-ignore
    ['a link in place of a file', 'duplicate', 'f', [{ path: 'f', ...x }, link('f', 'g')]],
    ['a file in place of a link', 'duplicate', 'f', [link('f', 'g'), { path: './f', ...x }]],
    ['a hard link in place of a link', 'duplicate', 'l', [{ path: 'f', ...x }, link('l', 'f'), { path: 'l', type: 'Link', linkpath: 'f' }]], // prettier-ignore
    [
      'a file in place of a folder',
      'duplicate',
      'd',
      [
        { path: 'd/y', ...x },
        { path: 'd', ...x },
      ],
    ],
    [
      'a folder in place of a file',
      'duplicate',
      'd',
      [
        { path: 'd', ...x },
        { path: 'd/', type: 'Directory' },
      ],
    ],
    ['a link to a neighbour of what is allowed', 'link', 'l', [link('l', '/usrlocal/x')]],
    ['a link that climbs out of what is allowed', 'link', 'l', [link('l', '/usr/../etc/passwd')]],
    [
      'a link out of what is allowed through another link',
      'link',
      'out',
      [link('bin', '/usr/bin'), link('out', 'bin/../../etc')],
    ],
    ['a hard link out', 'path', '../f', [{ path: 'h', type: 'Link', linkpath: '../f' }]],
    ['a hard link to what comes later', 'link', 'h', [{ path: 'h', type: 'Link', linkpath: 'f' }, { path: 'f', ...x }]], // prettier-ignore
    ['a hard link to a link', 'link', 'h', [link('l', 'f'), { path: 'h', type: 'Link', linkpath: 'l' }]],
    ['a character device', 'special', 'dev', [{ path: 'dev', type: 'CharacterDevice' }]],
    ['a block device', 'special', 'dev', [{ path: 'dev', type: 'BlockDevice' }]],
    ['a pipe', 'special', 'fifo', [{ path: 'fifo', type: 'FIFO' }]],
    ['nothing at all', 'empty', null, []],
    ['nothing but the root', 'empty', null, [{ path: './', type: 'Directory' }]],
  ];
  test.each(cases)('%s', async (_, reason, entry, items) => {
    expect(await refusalOf('a.tar', tarOf(items))).toMatchObject({ reason, entry });
    expect(await refusalOf('a.tar.gz', gzipSync(tarOf(items)))).toMatchObject({ reason, entry });
  });

  test('a sparse file', async () => {
    const body = '22 GNU.sparse.major=1\n';
    const pax = tarOf([{ path: 'PaxHeader/f', content: body }]).subarray(0, 1024);
    pax.write('x', 156);
    const bytes = Buffer.concat([withSum(pax), tarOf([{ path: 'f', ...x }])]);
    expect(await refusalOf('a.tar', bytes)).toMatchObject({ reason: 'special' });
  });
});

describe('what is refused in a zip', () => {
  const cases: [string, RefusalReason, string, Item[]][] = [
    ['an absolute path', 'path', '/etc/passwd', [{ path: '/etc/passwd', ...x }]],
    ['a path that climbs', 'path', '../x', [{ path: '../x', ...x }]],
    ['a backslash', 'path', 'backslash', [{ path: '..\\x', ...x }]],
    ['a link out', 'link', 'l', [{ path: 'l', content: '../../etc', mode: 0o120777 }]],
    ['a link to an absolute path', 'link', 'l', [{ path: 'l', content: '/etc/passwd', mode: 0o120777 }]],
    ['a file below a link', 'link', 'l/x', [{ path: 'l', content: 'd', mode: 0o120777 }, { path: 'l/x', ...x }]], // prettier-ignore
    ['a device', 'special', 'dev', [{ path: 'dev', mode: 0o020666 }]],
    ['a file in place of a link', 'duplicate', 'l', [{ path: 'l', content: 'd', mode: 0o120777 }, { path: 'l', ...x }]], // prettier-ignore
    ['a path of Windows that climbs', 'path', '../x', [{ path: '..\\x', ...x, system: 0 }]],
    ['a drive of Windows', 'path', 'C:/x', [{ path: 'C:\\x', ...x, system: 10 }]],
    ['a share of Windows', 'path', '//server/x', [{ path: '\\\\server\\x', ...x, system: 0 }]],
    [
      'a name that is not the UTF-8 that its flag says',
      'path',
      'caf',
      [{ path: Buffer.from('636166e9', 'hex'), ...x }],
    ],
    ['an encrypted file', 'corrupt', 'f', [{ path: 'f', ...x, flags: 0x801 }]],
    ['a wrong checksum', 'corrupt', 'f', [{ path: 'f', ...x, crc: 1 }]],
    ['more than it claims', 'corrupt', '', [{ path: 'f', content: 'y'.repeat(5000), claims: 10 }]],
    ['less than it claims', 'corrupt', '', [{ path: 'f', content: 'y', claims: 5000 }]],
  ];
  test.each(cases)('%s', async (_, reason, text, items) => {
    const refusal = await refusalOf('a.zip', zipOf(items));
    expect(refusal.reason).toBe(reason);
    expect(refusal.message).toContain(text);
  });
});

describe('what is damaged', () => {
  const tar = tarOf([{ path: 'f', content: randomBytes(5000) }, { path: 'g', ...x }]); // prettier-ignore
  const zip = zipOf([{ path: 'f', content: randomBytes(5000) }]);
  const cases: [string, string, Buffer][] = [
    ['a tar cut within a file', 'a.tar', tar.subarray(0, 3000)],
    ['a tar cut between files, so without an end', 'a.tar', tar.subarray(0, 512 + 5120)],
    ['an empty file as tar', 'a.tar', Buffer.alloc(0)],
    ['a tar.gz cut short', 'a.tar.gz', gzipSync(tar).subarray(0, 2000)],
    ['a tar.gz without its checksum', 'a.tar.gz', gzipSync(tar).subarray(0, -8)],
    ['a tar.gz with a flipped bit', 'a.tar.gz', Buffer.concat([gzipSync(tar).subarray(0, -6), Buffer.alloc(6)])],
    ['text as tar', 'a.tar', Buffer.from('hello '.repeat(500))],
    ['text as tar.gz', 'a.tar.gz', Buffer.from('hello')],
    ['text as zip', 'a.zip', Buffer.from('hello')],
    ['a gzipped tar named tar', 'a.tar', gzipSync(tar)],
    ['a tar named tar.gz', 'a.tar.gz', tar],
    ['a gzip within a gzip', 'a.tar.gz', gzipSync(gzipSync(tar))],
    ['a tar named zip', 'a.zip', tar],
    ['a zip cut short', 'a.zip', zip.subarray(0, -30)],
    ['a zip without its beginning', 'a.zip', zip.subarray(2000)],
    ['a tar with a flipped byte in a header', 'a.tar', Buffer.concat([Buffer.from('F'), tar.subarray(1)])],
  ];
  test.each(cases)('%s is refused', async (_, name, bytes) => {
    expect((await refusalOf(name, bytes)).reason).toBe('corrupt');
  });
});

describe('bombs', () => {
  const limits = { ...packageLimits, unpackedBytes: 50_000_000, ratioFromBytes: 1_000_000, entries: 50 };
  const zeros = Buffer.alloc(30_000_000);

  test('a file that unpacks to hundreds of times its size is refused', async () => {
    expect((await refusalOf('a.tar.gz', gzipSync(tarOf([{ path: 'f', content: zeros }])), limits)).reason).toBe('size');
    expect(await refusalOf('a.zip', zipOf([{ path: 'f', content: zeros }]), limits)).toMatchObject({
      reason: 'size',
      entry: 'f',
    });
  });

  test('an entry behind the end of a tar is not there, as for tar itself', async () => {
    const { made } = await unpack('a.tar', Buffer.concat([tarOf([{ path: 'a', ...x }]), tarOf([{ path: 'b', ...x }])]));
    expect(made).toMatchObject({ entries: 1 });
  });

  test('an extended header with a wrong length is refused', async () => {
    const record = tarOf([{ path: 'PaxHeader', content: '99 path=b\n' }]).subarray(0, 1024);
    record.write('x', 156);
    const bytes = Buffer.concat([withSum(record), tarOf([{ path: 'a', ...x }])]);
    expect(await refusalOf('a.tar', bytes)).toMatchObject({ reason: 'corrupt' });
  });

  test('gigabytes after the end of a tar are refused too', async () => {
    const bytes = gzipSync(Buffer.concat([tarOf([{ path: 'f', ...x }]), zeros]));
    expect((await refusalOf('a.tar.gz', bytes, limits)).reason).toBe('size');
  });

  test('more bytes than a package may hold are refused, whatever the ratio', async () => {
    const few = { ...limits, unpackedBytes: 10_000 };
    expect((await refusalOf('a.tar', tarOf([{ path: 'f', content: randomBytes(20_000) }]), few)).reason).toBe('size');
    expect((await refusalOf('a.zip', zipOf([{ path: 'f', content: randomBytes(20_000) }]), few)).reason).toBe('size');
  });

  test('more entries than a package may hold are refused', async () => {
    const items = Array.from({ length: 51 }, (_, i) => ({ path: `f${i}`, ...x }));
    expect(await refusalOf('a.tar', tarOf(items), limits)).toMatchObject({ reason: 'size', entry: 'f50' });
    expect(await refusalOf('a.zip', zipOf(items), limits)).toMatchObject({ reason: 'size', entry: 'f50' });
  });

  test('small texts that shrink a lot are no bomb', async () => {
    const { file } = write(gzipSync(tarOf([{ path: 'f', content: Buffer.alloc(900_000) }])));
    expect(await inspectPackage(file, 'a.tgz', limits)).toMatchObject({ entries: 1 });
  });
});

test('a refused package leaves nothing in the store', async () => {
  const { file, sha256 } = write(tarOf([{ path: 'ok', content: randomBytes(9000) }, link('out', '/etc')]));
  const empty = new PackageStore(join(folder, 'empty'));
  await expect(empty.normalise(file, 'a.tar', sha256)).rejects.toThrow(InvalidPackageError);
  expect(readdirSync(join(folder, 'empty/packages'))).toEqual([]);
  expect(await empty.find(sha256, 'a.tar')).toBeNull();
});
