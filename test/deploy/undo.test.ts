// A step that fails, whichever: the old release runs again, nothing is left behind, and the instance is what it was.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropRelease, prune, switchBack, tidy, unpack } from '../../activities/deploy/host-scripts.ts';
import { eventually } from '../harness.ts';
import { endedTask, makeEstate, packagePath, startedTask, taskOf, testWorld } from '../world.ts';
import type { TestEstate, World } from '../world.ts';
import { accepted, act, outcome, resultsOf, upgrade } from './acts.ts';
import type { Host } from './hosts.ts';
import { hostsOf } from './hosts.ts';
import { makeScript, setHooks } from './hooks.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

/** An estate of one instance on which 1.0.0 runs. */
async function upgraded(): Promise<{ estate: TestEstate; host: Host }> {
  const estate = await makeEstate(world, 1);
  const id = await startedTask(world, estate);
  expect(await endedTask(world, accepted(await upgrade(estate, id)))).toMatchObject({ status: 'finished' });
  await eventually(async () => (await taskOf(world, id)).status === 'finished');
  const [host] = hostsOf(world, estate);
  if (!host) throw new Error('an estate of one instance has a host');
  return { estate, host };
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

interface Fault {
  step: string;
  /** What the application's own commands have done since 1.0.0 ran. */
  calls: string[];
  inject(estate: TestEstate, host: Host): Promise<unknown> | void;
}

const faults: Fault[] = [
  {
    step: 'fetch',
    calls: [],
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
    step: 'stop',
    calls: ['start 1.0.0'],
    inject: (estate) => application(estate, { stopCmd: 'exit 5', startupCmd: start('') }),
  },
  {
    step: 'unpack',
    calls: ['stop', 'start 1.0.0'],
    inject: (_estate, host) => {
      rmSync(host.at('srv/web/.slipway/tasks'), { recursive: true, force: true });
      host.write('srv/web/.slipway/tasks', 'in the way');
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

test.each(faults)('a failing $step is taken back', async ({ step, calls, inject }) => {
  const { estate, host } = await upgraded();
  await inject(estate, host);
  const id = await startedTask(world, estate, { version: '2.0.0' });
  const subTask = accepted(await upgrade(estate, id, { version: '2.0.0' }));
  expect(await endedTask(world, subTask)).toMatchObject({ status: 'failed' });
  const [result] = await resultsOf(world, subTask);
  expect(result).toMatchObject({ status: 'failed', step, message: expect.stringContaining(step) as string });
  expect(host.calls).toEqual(['start 1.0.0', ...calls]);
  expect(host.releases).toEqual(['1.0.0']);
  expect(host.current).toBe(step === 'switch' ? null : 'releases/1.0.0');
  expect(host.names('srv/web/.slipway/tasks')).toEqual([]);
  expect(host.names('srv/web/.slipway/packages')).toEqual([]);
  expect(host.runs).toBe(true);
  expect(await instanceOf(estate)).toEqual({
    status: 'running',
    version: '1.0.0',
    releases: ['1.0.0'],
    busyKind: null,
    busyTaskId: null,
  });
  expect(outcome(await act(estate.manager, id, 'close'))).toEqual([200, 0]);
  expect(await taskOf(world, id)).toMatchObject({ status: 'failed' });
});

test('the same version once more, failing, brings the release back that it replaced', async () => {
  const { estate, host } = await upgraded();
  host.write('srv/web/releases/1.0.0/marker', 'the old one');
  await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
  const id = await startedTask(world, estate);
  expect(await endedTask(world, accepted(await upgrade(estate, id)))).toMatchObject({ status: 'failed' });
  expect([host.current, host.releases]).toEqual(['releases/1.0.0', ['1.0.0']]);
  expect(host.lines('srv/web/releases/1.0.0/marker')).toEqual(['the old one']);
  expect(host.runs).toBe(true);
});

test('a first release that fails leaves the host without one, and the instance stopped', async () => {
  const estate = await makeEstate(world, 1);
  const [host] = hostsOf(world, estate);
  await setHooks(world, estate, { post_exec: await makeScript(world, 'exit 1') });
  const id = await startedTask(world, estate);
  expect(await endedTask(world, accepted(await upgrade(estate, id)))).toMatchObject({ status: 'failed' });
  expect([host?.current, host?.releases, host?.runs]).toEqual([null, [], false]);
  expect(await instanceOf(estate)).toMatchObject({ status: 'stopped', version: null, releases: [], busyTaskId: null });
});

describe('each undo', () => {
  const tree = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const content = entry.isSymbolicLink()
          ? `-> ${readlinkSync(path)}`
          : entry.isFile()
            ? readFileSync(path, 'utf8')
            : '/';
        return `${path.slice(folder.length)} ${content}`;
      })
      .sort();

  /** A deploy path with 1.0.0, in which 2.0.0 has been unpacked and switched to. */
  function deployPath(run: (script: string) => void, folder: string): void {
    mkdirSync(join(folder, 'releases/1.0.0'), { recursive: true });
    writeFileSync(join(folder, 'releases/1.0.0/VERSION'), '1.0.0');
    mkdirSync(join(folder, 'package'));
    writeFileSync(join(folder, 'package/VERSION'), '2.0.0');
    execFileSync('tar', ['-cf', join(folder, 'package.tar'), '-C', join(folder, 'package'), '.']);
    run(unpack);
    symlinkSync('releases/2.0.0', join(folder, 'current'));
  }

  test.each(Object.entries({ switchBack, dropRelease, tidy, prune }))(
    '%s, run twice, ends as run once',
    (_name, script) => {
      const folder = mkdtempSync(join(tmpdir(), 'slipway-undo-'));
      const run = (content: string): void => {
        execFileSync('bash', ['-s'], {
          input: content,
          stdio: ['pipe', 'ignore', 'pipe'],
          env: {
            PATH: process.env.PATH,
            SLIPWAY_TASK: '7',
            SLIPWAY_DEPLOY_PATH: folder,
            SLIPWAY_VERSION: '2.0.0',
            SLIPWAY_PREVIOUS_VERSION: '1.0.0',
            SLIPWAY_PACKAGE: join(folder, 'package.tar'),
            SLIPWAY_RUN_USER: 'nobody-at-all',
            SLIPWAY_DROPPED: '1.0.0',
          },
        });
      };
      try {
        deployPath(run, folder);
        const before = tree(folder);
        run(script);
        const once = tree(folder);
        expect(once).not.toEqual(before);
        run(script);
        expect(tree(folder)).toEqual(once);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
