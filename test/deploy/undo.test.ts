// A step that fails, whichever: the old release runs again, nothing is left behind, and the instance is what it was.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { instanceSteps } from '../../workflows/deploy/contract.ts';
import type { InstanceStep } from '../../workflows/deploy/contract.ts';
import * as hostScripts from '../../activities/deploy/host-scripts.ts';
import * as processScripts from '../../activities/deploy/process-scripts.ts';
import { eventually } from '../support/harness.ts';
import { endedTask, makeEstate, packagePath, startedTask, taskOf, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';
import { accepted, act, outcome, resultsOf, revert, upgrade } from '../support/deploy/acts.ts';
import type { HostFolder } from '../support/deploy/hosts.ts';
import { hostsOf, install } from '../support/deploy/hosts.ts';
import { makeScript, setHooks } from '../support/deploy/hooks.ts';
import { runnersOwn, listing, processesOf } from '../support/deploy/listing.ts';
import { concurrentTests } from '../support/deploy/concurrent-tests.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

const patience = 280_000;

async function oneInstance(): Promise<{ estate: TestEstate; host: HostFolder }> {
  const estate = await makeEstate(world, 1);
  const [host] = hostsOf(world, estate);
  if (!host) throw new Error('an estate of one instance has a host');
  return { estate, host };
}

/** The end of an upgrade of all of an estate, which has time enough. */
async function upgradeOf(estate: TestEstate, id: number, version = '1.0.0') {
  return endedTask(world, accepted(await upgrade(estate, id, { version, timeout: 600 })), patience);
}

const application = (estate: TestEstate, set: { startupCmd?: string; stopCmd?: string }) =>
  world.db.updateTable('applications').set(set).where('id', '=', estate.applicationId).execute();

const instanceOf = (estate: TestEstate) =>
  world.db
    .selectFrom('instances')
    .select(['status', 'version', 'releases', 'busyKind', 'busyTaskId'])
    .where('id', 'in', estate.instanceIds)
    .executeTakeFirstOrThrow();

const start = (more: string): string =>
  `echo "start $(cat VERSION)" >> "$SLIPWAY_HOST_ROOT/calls"; ${more} nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"`;
const isNew = 'grep -q 2.0.0 VERSION';

/** What may differ afterwards: the runner's own, the application's log, and the number of its process, which is another one. */
const leftOut = [runnersOwn, 'calls', 'run/web.pid'];

interface Fault {
  step: InstanceStep;
  /** What the application's own commands have done since 1.0.0 ran. */
  calls: string[];
  /** Paths that the fault itself takes away. */
  lost?: string[];
  inject(estate: TestEstate, host: HostFolder): Promise<unknown> | void;
}

const faults: Fault[] = [
  {
    step: 'fetch',
    calls: [],
    lost: ['packages/web-2.0.0.tar.gz'],
    // It is read when the sub-task is accepted, and gone when its turn comes.
    inject: async (estate) => {
      const gone = await makeScript(world, `rm "$SLIPWAY_HOST_ROOT${packagePath('2.0.0')}"`);
      await setHooks(world, estate, { global_pre_exec: gone });
    },
  },
  {
    step: 'pre_exec',
    calls: [],
    inject: async (estate) => setHooks(world, estate, { pre_exec: await makeScript(world, 'echo no >&2\nexit 7') }),
  },
  {
    // An application that could not be stopped is not started a second time.
    step: 'stop',
    calls: [],
    inject: async (estate) => {
      await application(estate, { stopCmd: 'exit 5', startupCmd: start('') });
      await world.db
        .updateTable('deploySettings')
        .set({ stopSeconds: 1 })
        .where('applicationId', '=', estate.applicationId)
        .execute();
    },
  },
  {
    step: 'unpack',
    calls: ['stop', 'start 1.0.0'],
    inject: (_estate, host) => {
      renameSync(host.at('srv/web/releases'), host.at('srv/web/elsewhere'));
      symlinkSync('elsewhere', host.at('srv/web/releases'));
    },
  },
  {
    step: 'switch',
    calls: ['stop', 'start 1.0.0'],
    inject: (_estate, host) => {
      rmSync(host.at('srv/web/current'));
      cpSync(host.at('srv/web/releases/1.0.0'), host.at('srv/web/current'), { recursive: true });
    },
  },
  {
    step: 'start',
    calls: ['stop', 'start 2.0.0', 'stop', 'start 1.0.0'],
    inject: (estate) => application(estate, { startupCmd: start(`${isNew} && exit 3;`) }),
  },
  {
    step: 'check',
    calls: ['stop', 'start 2.0.0', 'stop', 'start 1.0.0'],
    inject: (estate) =>
      application(estate, {
        startupCmd: start(`${isNew} && { true & echo $! > "$SLIPWAY_PID_FILE"; wait; exit 0; };`),
      }),
  },
  {
    step: 'post_exec',
    calls: ['stop', 'start 2.0.0', 'stop', 'start 1.0.0'],
    inject: async (estate) => setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') }),
  },
];

test('there is a fault for every step', () => {
  expect(faults.map(({ step }) => step)).toEqual(instanceSteps);
});

describe('what fails is taken back', () => {
  const alongside = concurrentTests();

  async function takenBack({ step, calls, lost = [], inject }: Fault): Promise<void> {
    const { estate, host } = await oneInstance();
    await install(world, estate, '1.0.0');
    await inject(estate, host);
    const id = await startedTask(world, estate, { version: '2.0.0' });
    const [before, ran] = [listing(host.root, leftOut), processesOf(host.root)];
    const ended = await upgradeOf(estate, id, '2.0.0');
    expect(ended).toMatchObject({ status: 'failed' });
    const [result] = await resultsOf(world, ended.id);
    expect(result).toMatchObject({ status: 'failed', step, message: expect.stringContaining(step) as string });
    expect(host.calls).toEqual(['start 1.0.0', ...calls]);
    expect(host.runs).toBe(true);
    const left = Object.entries(before).filter(([path]) => !lost.includes(path));
    expect(listing(host.root, leftOut)).toEqual(Object.fromEntries(left));
    await eventually(() => expect(processesOf(host.root)).toEqual(ran));
    expect(await instanceOf(estate)).toEqual({
      status: 'running',
      version: '1.0.0',
      releases: ['1.0.0'],
      busyKind: null,
      busyTaskId: null,
    });
    expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
    expect(await taskOf(world, id)).toMatchObject({ status: 'failed' });
  }

  for (const fault of faults)
    alongside(`${fault.step}: the old release runs, nothing is left behind, the instance is what it was`, () =>
      takenBack(fault),
    );

  alongside('the same version once more, failing, brings the release back that it replaced', async () => {
    const { estate, host } = await oneInstance();
    const first = await startedTask(world, estate);
    expect(await upgradeOf(estate, first)).toMatchObject({ status: 'finished' });
    await eventually(async () => (await taskOf(world, first)).status === 'finished', { timeout: patience });
    host.write('srv/web/releases/1.0.0/marker', 'the old one');
    await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
    const id = await startedTask(world, estate);
    const before = listing(host.root, leftOut);
    expect(await upgradeOf(estate, id)).toMatchObject({ status: 'failed' });
    expect(listing(host.root, leftOut)).toEqual(before);
    expect([host.current, host.releases, host.runs]).toEqual(['releases/1.0.0', ['1.0.0'], true]);
  });

  alongside('a revert that fails goes forward again to the release that ran', async () => {
    const { estate, host } = await oneInstance();
    await install(world, estate, '2.0.0');
    host.write('srv/web/releases/1.0.0/VERSION', '1.0.0\n');
    await world.db
      .updateTable('instances')
      .set({ releases: JSON.stringify(['2.0.0', '1.0.0']) })
      .where('id', 'in', estate.instanceIds)
      .execute();
    await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
    const id = await startedTask(world, estate, { version: '3.0.0' });
    const [before, ran] = [listing(host.root, leftOut), processesOf(host.root)];
    const subTask = accepted(await revert(estate, id, { version: '1.0.0', timeout: 600 }));
    expect(await endedTask(world, subTask, patience)).toMatchObject({ status: 'failed' });
    expect(listing(host.root, leftOut)).toEqual(before);
    await eventually(() => expect(processesOf(host.root)).toEqual(ran));
    expect(host.calls).toEqual(['start 2.0.0', 'stop', 'start 1.0.0', 'stop', 'start 2.0.0']);
    expect(await instanceOf(estate)).toMatchObject({ status: 'running', version: '2.0.0', busyTaskId: null });
  });

  alongside('a first release that fails leaves the host as it was, and the instance stopped', async () => {
    const { estate, host } = await oneInstance();
    await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
    const id = await startedTask(world, estate);
    const before = listing(host.root, [...leftOut, 'run']);
    expect(await upgradeOf(estate, id)).toMatchObject({ status: 'failed' });
    // The deploy path itself is kept, and empty; the folder of the pid file is made by the application.
    const left = listing(host.root, [...leftOut, 'run']);
    expect(left).toEqual({ ...before, srv: 'folder 755', 'srv/web': 'folder 755' });
    await eventually(() => expect(processesOf(host.root)).toEqual([]));
    expect(await instanceOf(estate)).toMatchObject({
      status: 'stopped',
      version: null,
      releases: [],
      busyTaskId: null,
    });
  });

  alongside('a first release that fails leads `current` back to what was deployed by hand', async () => {
    const { estate, host } = await oneInstance();
    host.write('srv/web/by-hand/VERSION', 'by hand');
    symlinkSync('by-hand', host.at('srv/web/current'));
    await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
    const id = await startedTask(world, estate);
    const before = listing(host.root, [...leftOut, 'run']);
    expect(await upgradeOf(estate, id)).toMatchObject({ status: 'failed' });
    expect(listing(host.root, [...leftOut, 'run'])).toEqual(before);
  });
});

describe('each script of Slipway on a host', () => {
  const scripts = { ...hostScripts, ...processScripts };
  const release = 'releases/2.0.0';
  const pidFile = 'web.pid';

  const stepsOf = (folder: string): string => `${folder}-steps`;

  /** Runs one in a deploy path; returns its exit status. */
  function runIn(folder: string, script: string, more: Record<string, string> = {}): number | null {
    const { status } = spawnSync('bash', ['-s'], {
      input: script,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {
        PATH: process.env.PATH,
        SLIPWAY_TASK: '7',
        SLIPWAY_DEPLOY_PATH: folder,
        SLIPWAY_VERSION: '2.0.0',
        SLIPWAY_PREVIOUS_VERSION: '1.0.0',
        SLIPWAY_HOST_ROOT: dirname(folder),
        SLIPWAY_STEPS_DIR: stepsOf(folder),
        SLIPWAY_ROOTS: dirname(folder),
        SLIPWAY_PID_ROOTS: dirname(folder),
        SLIPWAY_PACKAGE: 'package.tar',
        SLIPWAY_PID_FILE: join(folder, pidFile),
        SLIPWAY_RUN_USER: userInfo().username,
        SLIPWAY_DROPPED: '0.9.0',
        SLIPWAY_SECONDS: '1',
        ...more,
      },
    });
    return status;
  }

  /** A deploy path on 1.0.0, with 0.9.0 beside it and the package of 2.0.0. */
  function deployPath(folder: string): void {
    for (const version of ['0.9.0', '1.0.0']) {
      mkdirSync(join(folder, 'releases', version), { recursive: true });
      writeFileSync(join(folder, 'releases', version, 'VERSION'), version);
    }
    symlinkSync('releases/1.0.0', join(folder, 'current'));
    mkdirSync(join(stepsOf(folder), 't7'), { recursive: true });
    const content = join(folder, 'content');
    mkdirSync(content);
    writeFileSync(join(content, 'VERSION'), '2.0.0');
    execFileSync('tar', ['-cf', join(stepsOf(folder), 't7/package.tar'), '-C', content, '.']);
  }

  /** All that a script may change. */
  const allOf = (folder: string): Record<string, string> => {
    const kept = existsSync(stepsOf(folder)) ? Object.entries(listing(stepsOf(folder), [])) : [];
    return { ...listing(folder, []), ...Object.fromEntries(kept.map(([path, what]) => [`kept ${path}`, what])) };
  };

  /** What has happened before its turn comes; a running process where there is one. */
  const before: Record<keyof typeof scripts, readonly (keyof typeof scripts)[]> = {
    unpack: [],
    switchRelease: ['unpack'],
    checkLives: ['unpack', 'switchRelease'],
    endTold: [],
    endStarted: [],
    look: ['unpack', 'switchRelease'],
    checkGone: [],
    switchBack: ['unpack', 'switchRelease'],
    dropRelease: ['unpack'],
    tidy: ['unpack'],
    prune: ['unpack', 'switchRelease'],
  };
  const onlyLook: readonly string[] = ['checkLives', 'look', 'checkGone', 'endTold', 'endStarted'];

  const inFolder = <T>(work: (folder: string) => T): T => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-script-'));
    try {
      deployPath(folder);
      return work(folder);
    } finally {
      for (const one of [folder, stepsOf(folder)]) rmSync(one, { recursive: true, force: true });
    }
  };

  test.each(Object.entries(scripts))('%s, run twice, ends as run once', (name, script) => {
    inFolder((folder) => {
      for (const earlier of before[name as keyof typeof scripts]) expect(runIn(folder, scripts[earlier])).toBe(0);
      if (name !== 'checkGone') writeFileSync(join(folder, pidFile), String(process.pid));
      const at = allOf(folder);
      expect(runIn(folder, script)).toBe(0);
      const once = allOf(folder);
      if (onlyLook.includes(name)) expect(once).toEqual(at);
      else expect(once).not.toEqual(at);
      expect(runIn(folder, script)).toBe(0);
      expect(allOf(folder)).toEqual(once);
    });
  });

  test('an unpacked release belongs to the run user and their group', () => {
    // Only root can give files away.
    const isRoot = process.getuid?.() === 0;
    const [user, group] = isRoot
      ? ['nobody', execFileSync('id', ['-g', 'nobody'])]
      : [userInfo().username, process.getgid?.()];
    inFolder((folder) => {
      expect(runIn(folder, scripts.unpack, { SLIPWAY_RUN_USER: user })).toBe(0);
      for (const path of [release, `${release}/VERSION`]) {
        const { uid, gid } = statSync(join(folder, path));
        expect([uid, gid].map(String)).toEqual([String(execFileSync('id', ['-u', user])).trim(), String(group).trim()]);
      }
    });
  });

  test('an unpack that ran twice is taken back whole, whether or not there was such a release', () => {
    for (const isThere of [true, false])
      inFolder((folder) => {
        if (isThere) mkdirSync(join(folder, release));
        if (isThere) writeFileSync(join(folder, release, 'marker'), 'the one from before');
        const at = listing(folder, []);
        for (const script of [scripts.unpack, scripts.unpack, scripts.dropRelease])
          expect(runIn(folder, script)).toBe(0);
        expect(listing(folder, [])).toEqual(at);
      });
  });
});
