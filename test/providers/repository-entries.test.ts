// What entries of archives are called, may do and lead to, and what becomes of it.
import { execFileSync } from 'node:child_process';
import { linkSync, mkdtempSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { crc32, gzipSync } from 'node:zlib';
import { packageLimits } from '../../activities/providers/repository/limits.ts';
import { PackageStore } from '../../activities/providers/repository/store.ts';
import { oddNames } from '../support/odd-names.ts';
import type { Item } from '../support/providers/archives.ts';
import { tarOf, withSum, zipOf } from '../support/providers/archives.ts';
import { workbench } from '../support/providers/workbench.ts';

const { folder, store, write, refusalOf, unpack, link } = workbench();
const x = { content: 'x' };

/** Files below a folder by path, sorted. */
const filesIn = (target: string): string[] =>
  readdirSync(target, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(target, join(entry.parentPath, entry.name)))
    .sort();

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

describe('names', () => {
  const packs: [string, (items: Item[]) => Buffer][] = [
    ['app.tar', tarOf],
    ['app.tar.gz', (items) => gzipSync(tarOf(items))],
    ['app.zip', (items) => zipOf(items.map((item) => ({ ...item, flags: 0 })))],
    ['windows.zip', (items) => zipOf(items.map((item) => ({ ...item, flags: 0, system: 0 })))],
  ];
  const rows = oddNames.flatMap((odd) => packs.map(([name, pack]) => ({ ...odd, name, pack })));
  test.each(rows)('$what in $name', async ({ name, bytes, archive, pack }) => {
    const items = [{ path: Buffer.concat([Buffer.from('d/'), bytes]), ...x }];
    if (archive === null) {
      expect(await refusalOf(name, pack(items))).toMatchObject({
        reason: 'path',
        entry: `d/${bytes.toString('latin1')}`,
        message: expect.stringContaining('neither UTF-8 nor GBK') as string,
      });
      return;
    }
    expect(filesIn((await unpack(name, pack(items))).target)).toEqual([`d/${archive}`]);
  });

  const gbk = (text: string, rest = ''): Buffer => Buffer.concat([Buffer.from(text, 'hex'), Buffer.from(rest)]);

  test('that were taken for GBK are told, and so are those beside them that might have been', async () => {
    const items: Item[] = [
      { path: gbk('b1a8b1ed', '/'), type: 'Directory', mode: 0o040755 },
      { path: gbk('b1a8b1ed', '/1.txt'), ...x },
      { path: gbk('d2bb', '.txt'), ...x },
      { path: Buffer.from('配置.yml'), ...x },
    ];
    for (const [name, pack] of packs) {
      const { made, target } = await unpack(name, pack(items));
      expect(filesIn(target)).toEqual(['\u04bb.txt', '报表/1.txt', '配置.yml'].sort());
      expect(made.notes).toEqual([
        { note: 'gbk_names', count: 2, example: '报表/' },
        { note: 'ambiguous_names', count: 1, example: '\u04bb.txt' },
      ]);
      expect(await store.find(made.sha256, name)).toEqual(made);
    }
    expect((await unpack('a.tar', tarOf([{ path: 'é.txt', ...x }]))).made).not.toHaveProperty('notes');
  });

  test('in the extra field of Info-ZIP go before the other one, if they belong to it', async () => {
    const field = (name: string, of: Buffer): Buffer => {
      const head = Buffer.alloc(9);
      head.writeUInt16LE(0x7075, 0);
      head.writeUInt16LE(5 + Buffer.byteLength(name), 2);
      head[4] = 1;
      head.writeUInt32LE(crc32(of), 5);
      return Buffer.concat([head, Buffer.from(name)]);
    };
    const [one, two] = [Buffer.from('caf\x82.txt', 'latin1'), gbk('b1a8', '.txt')];
    const items = [
      { path: one, ...x, flags: 0, extra: field('café.txt', one) },
      { path: two, ...x, flags: 0, extra: field('other.txt', one) },
    ];
    expect(filesIn((await unpack('a.zip', zipOf(items))).target)).toEqual(['café.txt', '报.txt']);
  });

  test('of Windows may have backslashes between their parts', async () => {
    const items = [0, 10, 11, 14].flatMap((system) => [
      { path: `bin${system}\\`, content: '', system },
      { path: `bin${system}\\run.sh`, ...x, system },
    ]);
    const { target } = await unpack('a.zip', zipOf(items));
    expect(filesIn(target)).toEqual(['bin0/run.sh', 'bin10/run.sh', 'bin11/run.sh', 'bin14/run.sh']);
  });

  test('that are long are whole, whatever the part in the old field ends with', async () => {
    // 99 bytes and the first of three: cut within a character.
    const name = `${'n'.repeat(99)}应用`;
    const long = Buffer.concat([Buffer.from('n'.repeat(99)), gbk('b1a8b1ed')]);
    const file = join(folder, 'cut-character.tar');
    const source = mkdtempSync(join(folder, 'in-'));
    writeFileSync(join(source, name), 'x');
    for (const format of ['pax', 'gnu']) {
      execFileSync('tar', ['-cf', file, `--format=${format}`, '-C', source, name], {
        env: { ...process.env, LC_ALL: 'C.UTF-8' },
      });
      expect(filesIn((await unpack('a.tar', readFileSync(file))).target)).toEqual([name]);
    }
    expect(filesIn((await unpack('a.tar', tarOf([{ path: long, ...x }]))).target)).toEqual([`${'n'.repeat(99)}报表`]);
  });

  test('in an extended header are UTF-8, unless that says that they are not', async () => {
    const pax = (records: Buffer[]): Buffer => {
      const body = Buffer.concat(records);
      const header = tarOf([{ path: 'PaxHeader', content: body }]).subarray(
        0,
        512 + Math.ceil(body.length / 512) * 512,
      );
      header.write('x', 156);
      return Buffer.concat([withSum(header), tarOf([{ path: 'other', ...x }])]);
    };
    const record = gbk(Buffer.from('13 path=').toString('hex') + 'b1a8b1ed', '\n');
    expect(await refusalOf('a.tar', pax([record]))).toMatchObject({ reason: 'path' });
    const binary = Buffer.from('21 hdrcharset=BINARY\n');
    expect(filesIn((await unpack('a.tar', pax([binary, record]))).target)).toEqual(['报表']);
  });

  test('beyond ASCII do not spoil a checksum that was made of signed numbers', async () => {
    const bytes = tarOf([{ path: gbk('b1a8b1ed'), ...x }]);
    expect(filesIn((await unpack('a.tar', withSum(bytes, true))).target)).toEqual(['报表']);
  });
});

describe('modes', () => {
  const items = (format: { file: number; directory: number }): [Item, number][] => [
    [{ path: 'dir', type: 'Directory', mode: format.directory | 0o2775 }, 0o775],
    [{ path: 'dir/private', type: 'Directory', mode: format.directory | 0o1500 }, 0o700],
    [{ path: 'server.key', ...x, mode: format.file | 0o600 }, 0o600],
    [{ path: 'run.sh', ...x, mode: format.file | 0o750 }, 0o750],
    [{ path: 'suid', ...x, mode: format.file | 0o6755 }, 0o755],
    [{ path: 'none', ...x, mode: format.file }, 0o600],
    [{ path: 'all', ...x, mode: format.file | 0o666 }, 0o666],
  ];

  test.each<[string, [Item, number][], (items: Item[]) => Buffer]>([
    ['a.tar', items({ file: 0, directory: 0 }), tarOf],
    ['a.zip', items({ file: 0o100000, directory: 0o040000 }), zipOf],
  ])('of %s are kept, but that the owner can read and write, and nobody becomes another', async (name, rows, pack) => {
    const { target } = await unpack(name, pack(rows.map(([item]) => item)));
    for (const [{ path }, mode] of rows)
      expect([path, modeOf(join(target, path as string)).toString(8)]).toEqual([path, mode.toString(8)]);
  });

  test('of a zip that has none, or is made on Windows, are the plain ones', async () => {
    const plain: Item[] = [
      { path: 'a', ...x, mode: 0 },
      { path: 'b', ...x, mode: 0o100600, system: 0 },
      { path: 'c/', mode: 0o040700, system: 10 },
    ];
    const { target } = await unpack('a.zip', zipOf(plain));
    expect(['a', 'b', 'c'].map((path) => modeOf(join(target, path)))).toEqual([0o644, 0o644, 0o755]);
  });

  test('of a folder are kept, also when what is in it comes first', async () => {
    const late: Item[] = [{ path: 'd/f', ...x }, { path: 'd', type: 'Directory', mode: 0o750 }]; // prettier-ignore
    expect(modeOf(join((await unpack('a.tar', tarOf(late))).target, 'd'))).toBe(0o750);
  });
});

describe('entries of one name', () => {
  const twice: Item[] = [{ path: 'f', content: 'first' }, { path: 'g', ...x }, { path: './f', content: 'last', mode: 0o100600 }]; // prettier-ignore

  test.each([
    ['a.tar', tarOf],
    ['a.zip', zipOf],
  ])('in %s: the last counts, and that is told', async (name, pack) => {
    const { made, target } = await unpack(name, pack(twice));
    expect(readFileSync(join(target, 'f'), 'utf8')).toBe('last');
    expect(modeOf(join(target, 'f'))).toBe(0o600);
    expect(made.notes).toEqual([{ note: 'repeated_entries', count: 1, example: 'f' }]);
  });

  test('links and hard links too, in what tar itself makes', async () => {
    const source = mkdtempSync(join(folder, 'in-'));
    const file = join(folder, 'again.tar');
    const tar = (...args: string[]) => execFileSync('tar', [...args, '-C', source, 'f', 'h', 'l', 'f']);
    writeFileSync(join(source, 'f'), 'one');
    linkSync(join(source, 'f'), join(source, 'h'));
    symlinkSync('f', join(source, 'l'));
    tar('-cf', file);
    rmSync(join(source, 'f'));
    rmSync(join(source, 'l'));
    writeFileSync(join(source, 'f'), 'two');
    symlinkSync('h', join(source, 'l'));
    tar('-rf', file);
    const { target } = await unpack('a.tar', readFileSync(file));
    expect(readFileSync(join(target, 'f'), 'utf8')).toBe('two');
    expect(readFileSync(join(target, 'h'), 'utf8')).toBe('one');
    expect(readlinkSync(join(target, 'l'))).toBe('h');
  });
});

describe('absolute links', () => {
  const venv: Item[] = [
    link('venv/bin/python', 'python3'),
    link('venv/bin/python3', '/usr/bin/python3'),
    link('venv/lib64', 'lib'),
    { path: 'venv/lib/x', ...x },
  ];

  test('into what every host has are taken: a virtual environment of python', async () => {
    const { target } = await unpack('venv.tar.gz', gzipSync(tarOf(venv)));
    expect(readlinkSync(join(target, 'venv/bin/python3'))).toBe('/usr/bin/python3');
  });

  test('are taken as far as the settings say, also of what was read under others before', async () => {
    const opt = [link('jdk', '/opt/jdk')];
    const open = new PackageStore(folder, { ...packageLimits, linkTargets: ['/opt', '/srv/shared'] });
    const closed = new PackageStore(folder, { ...packageLimits, linkTargets: [] });
    const { file, sha256 } = write(tarOf(opt));
    expect(await open.normalise(file, 'a.tar', sha256)).toMatchObject({ entries: 1 });
    expect(await closed.find(sha256, 'a.tar')).toBeNull();
    await expect(closed.normalise(file, 'a.tar', sha256)).rejects.toThrow('SLIPWAY_LINK_TARGETS');
    await expect(store.normalise(file, 'a.tar', sha256)).rejects.toThrow('SLIPWAY_LINK_TARGETS');
  });
});

test('a package that was kept in the first form is made again, and found in it by what began with it', async () => {
  const { file, sha256 } = write(tarOf([{ path: 'key', ...x, mode: 0o600 }]));
  const [tarPath, record] = ['tar', 'json'].map((end) => join(folder, 'packages', `${sha256}.${end}`)) as [
    string,
    string,
  ];
  writeFileSync(tarPath, 'of the first form');
  writeFileSync(record, JSON.stringify({ tarSha256: 'a'.repeat(64), entries: 1, size: 1 }));
  expect(await store.find(sha256, 'a.tar')).toBeNull();
  expect((await store.normalise(file, 'a.tar', sha256)).tarPath).not.toBe(tarPath);
  expect(await store.findFormer(sha256, 'a.tar')).toMatchObject({ sha256, tarPath });
});
