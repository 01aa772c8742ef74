// The application's user owns the deploy path and plants links in it, wherever a step of Slipway's comes by: nothing outside of it
// changes or is told, and the step does its work or says why not. What is refused, and what an earlier Slipway has left there.
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
} from 'node:fs';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as hostScripts from '../../activities/deploy/host-scripts.ts';
import { look } from '../../activities/deploy/process-scripts.ts';
import { listing } from '../support/deploy/listing.ts';
import { isRoot, missing, own, packageName, Place, removeAll, tar, uid, write } from '../support/gate/place.ts';

afterAll(removeAll);

const scripts = { ...hostScripts, look };
const order = Object.keys(scripts) as (keyof typeof scripts)[];

const old = '.slipway/tasks/7';
const planted = [
  'current',
  '.current.new',
  'run.pid',
  'releases',
  'releases/1.0.0',
  'releases/2.0.0',
  'releases/0.9.0',
  'releases/.slipway-7-new',
  'releases/.slipway-7-old',
  '.slipway',
  '.slipway/tasks',
  '.slipway/packages',
  old,
  ...['former', 'former.new', 'created', 'replaced', 'release'].map((name) => `${old}/${name}`),
  `.slipway/packages/${packageName}`,
];
/** A file is of use only where one is read. */
const targetsOf = (path: string): string[] => (/former$|tar$|pid$/.test(path) ? ['file', 'new'] : ['folder', 'new']);

describe('a link of the application’s user', () => {
  test.each(planted)('at %s leads no step out of the deploy path', (path) => {
    for (const target of targetsOf(path)) {
      const place = new Place();
      const before = listing(place.outside, []);
      for (const name of order) {
        rmSync(place.at(path), { recursive: true, force: true });
        // As of a user who also had their way with all that lies above it.
        if (path.startsWith('.slipway/') || existsSync(dirname(place.at(path)))) {
          for (const folder of missing(dirname(place.at(path)))) {
            mkdirSync(folder);
            own(folder);
          }
          symlinkSync(join(place.outside, target), place.at(path));
          own(place.at(path));
        }
        if (name === 'unpack') place.bring();
        const { status, said, stderr } = place.run(scripts[name]);
        expect([name, target, said]).toEqual([name, target, expect.not.stringMatching(/secret| 4711/) as string]);
        if (status !== 0 && status !== 3) expect([name, target, stderr.trim()]).not.toEqual([name, target, '']);
        expect([name, target, listing(place.outside, [])]).toEqual([name, target, before]);
      }
    }
  });

  test('is no way to have a step write what it says where only root writes', () => {
    const place = new Place();
    write(place.at(`${old}/x`), '', own);
    rmSync(place.at('current'));
    symlinkSync('* * * * * root id', place.at('current'));
    symlinkSync(join(place.outside, 'cron'), place.at(`${old}/former.new`));
    for (const path of ['current', `${old}/former.new`]) own(place.at(path));
    for (const script of [hostScripts.unpack, hostScripts.switchRelease])
      expect(place.run(script)).toMatchObject({ status: 0 });
    expect(existsSync(join(place.outside, 'cron'))).toBe(false);
    expect(readlinkSync(place.at('current'))).toBe('releases/2.0.0');
    expect(place.run(hostScripts.switchBack)).toMatchObject({ status: 0 });
    expect(readlinkSync(place.at('current'))).toBe('* * * * * root id');
  });
});

describe('a deploy path', () => {
  const ownerOf = (path: string): number => lstatSync(path).uid;

  test('that is not there is made for the run user, who then has all in it', () => {
    const place = new Place();
    rmSync(join(place.root, 'srv'), { recursive: true });
    for (const script of [hostScripts.unpack, hostScripts.switchRelease])
      expect(place.run(script)).toMatchObject({ status: 0, stderr: '' });
    for (const path of ['', 'releases', 'releases/2.0.0', 'releases/2.0.0/VERSION', 'current'])
      expect([path, ownerOf(place.at(path))]).toEqual([path, uid]);
    expect(ownerOf(join(place.root, 'srv'))).toBe(process.getuid?.());
  });

  test('that is the runner’s own alone stays so, and what is unpacked is the run user’s', () => {
    const place = new Place(() => undefined);
    for (const script of [hostScripts.unpack, hostScripts.switchRelease, hostScripts.prune])
      expect(place.run(script)).toMatchObject({ status: 0, stderr: '' });
    expect(ownerOf(place.at('releases/2.0.0/VERSION'))).toBe(uid);
    for (const path of ['', 'releases', 'current']) expect(ownerOf(place.at(path))).toBe(process.getuid?.());
    expect(existsSync(place.at('releases/0.9.0'))).toBe(false);
  });

  const refusals: [string, (place: Place) => Record<string, string> | void, string][] = [
    [
      'that a link of root leads out of the roots',
      (place) => {
        rmSync(place.at(''), { recursive: true });
        symlinkSync('../etc', place.at(''));
      },
      'out of the deploy roots',
    ],
    ['out of the roots', (place) => ({ SLIPWAY_DEPLOY_PATH: join(place.root, 'etc/web') }), 'out of the deploy roots'],
    [
      'that is a file',
      (place) => {
        rmSync(place.at(''), { recursive: true });
        writeFileSync(place.at(''), '');
      },
      'is not a folder',
    ],
    ['of a user that is not there', () => ({ SLIPWAY_RUN_USER: 'no-such-user' }), 'there is no user no-such-user'],
    ['of a user that is a number', () => ({ SLIPWAY_RUN_USER: '0' }), 'is no name of a user'],
  ];
  const forRoot: typeof refusals = [
    [
      'below a folder that everybody may write',
      (place) => chmodSync(join(place.root, 'srv'), 0o777),
      'may be written by everybody',
    ],
    ['that everybody may write', (place) => chmodSync(place.at(''), 0o1777), 'may be written by everybody'],
    [
      'below a folder of another user',
      (place) => chownSync(join(place.root, 'srv'), 12, 12),
      'belongs to another user',
    ],
    [
      'that a link of another user leads to',
      (place) => {
        symlinkSync('web', join(place.root, 'srv/led'));
        lchownSync(join(place.root, 'srv/led'), 12, 12);
        return { SLIPWAY_DEPLOY_PATH: join(place.root, 'srv/led') };
      },
      'a link that others than root have set',
    ],
    ['of the run user, when root is to act there', () => ({ SLIPWAY_RUN_USER: 'root' }), 'belongs to another user'],
  ];

  test.each([...refusals, ...(isRoot ? forRoot : [])])('%s is refused', (_what, spoil, message) => {
    const place = new Place(spoil === forRoot[1]?.[1] ? () => undefined : own);
    const more = spoil(place) ?? {};
    const before = listing(place.root, ['.slipway']);
    for (const name of ['unpack', 'switchRelease', 'switchBack', 'dropRelease', 'prune'] as const) {
      place.bring();
      const { status, stderr } = place.run(hostScripts[name], more);
      expect([name, status, stderr]).toEqual([name, 1, expect.stringContaining(message) as string]);
      expect(listing(place.root, ['.slipway'])).toEqual(before);
    }
  });
});

describe('what an earlier Slipway has left in the deploy path', () => {
  test.each([
    ['the run user’s', own],
    ['root’s', () => undefined],
  ])('that is %s serves what goes on: package, former link and release', (_whose, owner) => {
    const place = new Place(owner);
    rmSync(join(place.steps, 't7'), { recursive: true });
    // Made by root, regardless of the owner of the deploy path.
    write(place.at(`.slipway/packages/${packageName}`), readFileSync(tar, 'latin1'));
    expect(place.run(hostScripts.unpack)).toMatchObject({ status: 0, stderr: '' });
    expect(readFileSync(place.at('releases/2.0.0/VERSION'), 'utf8')).toBe('2.0.0');
    rmSync(join(place.steps, 't7'), { recursive: true });
    write(place.at(`${old}/former`), 'by-hand\n');
    write(place.at(`${old}/replaced/VERSION`), 'the one from before');
    own(place.at(`${old}/replaced`));
    rmSync(place.at('current'));
    symlinkSync('releases/2.0.0', place.at('current'));
    expect(place.run(hostScripts.switchBack)).toMatchObject({ status: 0 });
    expect(readlinkSync(place.at('current'))).toBe('by-hand');
    expect(place.run(hostScripts.dropRelease)).toMatchObject({ status: 0 });
    expect(readFileSync(place.at('releases/2.0.0/VERSION'), 'utf8')).toBe('the one from before');
    expect(place.run(hostScripts.tidy)).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(place.at('.slipway'))).toBe(false);
  });

  test('a package there with another checksum is not unpacked', () => {
    const place = new Place();
    rmSync(join(place.steps, 't7'), { recursive: true });
    write(place.at(`.slipway/packages/${packageName}`), 'another', own);
    expect(place.run(hostScripts.unpack)).toMatchObject({
      status: 1,
      stderr: 'the package on this host is another one\n',
    });
  });
});

describe('a pid file', () => {
  const pid = String(process.pid);

  test('is read wherever in its roots it really is, and nowhere else', () => {
    const place = new Place();
    write(join(place.outside, 'pid'), pid);
    symlinkSync(join(place.outside, 'pid'), place.at('run.pid'));
    const { status, stderr } = place.run(look);
    expect([status, stderr]).toEqual([4, expect.stringContaining('out of the folders for pid files') as string]);
    rmSync(place.at('run.pid'));
    write(place.at('shared/pid'), pid, own);
    symlinkSync('shared/pid', place.at('run.pid'));
    expect(place.run(look)).toMatchObject({ status: 0, said: expect.stringContaining(`runs ${pid} `) as string });
    expect(place.run(look, { SLIPWAY_PID_FILE: '/proc/self/stat', SLIPWAY_PID_ROOTS: '/' })).toMatchObject({
      status: 4,
    });
  });
});
