// Hosts whose minion does not answer: what initialisation does about it over SSH and at the master, and how it says why not.
import { createMemoryRunner, createMemoryWorld } from '../../activities/providers/runner/memory.ts';
import type { Behaviour, MemoryWorld } from '../../activities/providers/runner/memory.ts';
import { refused, HostUnreachableError, unavailable } from '../../activities/providers/error.ts';
import { fingerprintOf, SaltKeys } from '../../activities/providers/runner/salt/keys.ts';
import { admitHosts } from '../support/api/app.ts';
import type { TestUser } from '../support/api/app.ts';
import { publicKey, serveSaltKeys } from '../support/doubles/salt-keys.ts';
import type { SaltMaster } from '../support/doubles/salt-keys.ts';
import { eventually, unique } from '../support/harness.ts';
import { testWorld } from '../support/world.ts';
import type { World } from '../support/world.ts';
import { endedHostTask, hostRow, hostTaskOf } from '../support/hosts/fleet.ts';
import type { HostResult, HostTask } from '../support/hosts/fleet.ts';

const at = 'salt.example.com:14506';
const patience = 600;
const key = publicKey();
const own = fingerprintOf(key);
const other = publicKey();

interface Site {
  world: World;
  admin: TestUser;
  master: SaltMaster;
  minions: MemoryWorld;
  /** The same hosts, as SSH reaches them. */
  servers: MemoryWorld;
}

/** Minions answer once the master has accepted the key that their host has. */
const installs =
  ({ master }: Pick<Site, 'master'>): Behaviour =>
  ({ job, stdout, exit }) => {
    const { SLIPWAY_MINION: minion = '' } = job.env;
    if (!master.keys.minions.has(minion)) master.keys.minions_pre.set(minion, key);
    stdout(`Setting up salt-minion (3008.3) ...\nthe minion's key: ${own}\n`);
    exit(0);
  };

async function openSite(isSet: boolean): Promise<Site> {
  const [minions, servers, master] = [createMemoryWorld(), createMemoryWorld(), await serveSaltKeys()];
  const world = await testWorld({
    env: { SLIPWAY_HOST_PATIENCE_SECONDS: String(patience) },
    settings: { saltUrl: master.settings.url },
    providers: {
      runners: { salt: createMemoryRunner(minions), ssh: createMemoryRunner(servers) },
      minionKeys: isSet ? new SaltKeys(master.settings, at) : null,
    },
  });
  return { world, master, minions, servers, admin: await world.user({ admin: true }) };
}

/** Everything is as it should be: minions answer when their host's key is accepted. */
function mend(site: Site): void {
  const { master, minions, servers } = site;
  Object.assign(master, { mayAsk: true, failsWith: null, accepted: [] });
  master.double.mend();
  for (const folder of Object.values(master.keys)) folder.clear();
  servers.behaviour = installs(site);
  servers.failure = null;
  minions.failure = (_method, host) =>
    master.keys.minions.get(host) === key
      ? undefined
      : new HostUnreachableError('salt', `the minion ${host} does not answer`);
}

interface Wanted {
  address?: string;
  /** Whether there is an SSH server. */
  ssh?: boolean;
}

async function aHost({ world, servers }: Site, { address = '10.1.2.3', ssh = true }: Wanted = {}) {
  const name = `fresh-${unique()}`;
  const ipAddress = address === '' ? [] : [{ id: 1, owner: 'HOST', is_virtual: false, addr_type: 'PRIVATE', address }];
  const { id } = await world.db
    .insertInto('hosts')
    .values({ name, hostType: 'PHY_HOST', status: 'raw', runner: 'salt', creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  await world.db
    .updateTable('hosts')
    .set({ ipAddress: JSON.stringify(ipAddress) })
    .where('id', '=', id)
    .execute();
  await admitHosts(world.db, [id]);
  if (ssh) await createMemoryRunner(servers).prepare({ name, runner: 'ssh', address });
  return { id, name };
}

const begin = async ({ admin }: Site, { id }: { id: number }): Promise<number> => {
  const { status, body } = await admin.post<HostTask>('/hosts/init-tasks/', { hosts: [{ id }], opts: {} });
  expect(status).toBe(201);
  return body.id;
};

async function outcome(site: Site, taskId: number): Promise<HostResult> {
  const { results } = await endedHostTask(site, taskId, 30_000);
  const [result] = results;
  if (!result) throw new Error('no result');
  expect(JSON.stringify(result)).not.toContain(site.master.settings.password);
  return result;
}

const initialised = async (site: Site, host: { id: number }): Promise<HostResult> =>
  outcome(site, await begin(site, host));

/** Initialises a host in vain: once it has said what it waits for, it has done so for long. */
async function inVain(site: Site, host: { id: number }, taskId?: number): Promise<HostResult> {
  const id = taskId ?? (await begin(site, host));
  await eventually(async () => (await hostTaskOf(site, id)).results[0]?.message?.includes(' ') === true, {
    timeout: 30_000,
  });
  const started = new Date(Date.now() - patience * 2_000);
  await site.world.db.updateTable('taskResults').set({ started }).where('taskId', '=', id).execute();
  return outcome(site, id);
}

const runsOf = ({ servers }: Site, taskId: number): number | undefined => servers.runs.get(`t${taskId}-p0-minion`);

describe('without SLIPWAY_SALT_MASTER', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(false);
    mend(site);
  }, 60_000);
  afterAll(async () => {
    await site.world.close();
    await site.master.double.close();
  }, 60_000);

  test('a minion that does not answer is waited for, nothing is installed, and the message says what to do', async () => {
    const host = await aHost(site);
    const result = await inVain(site, host);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain('does not answer: start it and accept its key, or set SLIPWAY_SALT_MASTER');
    expect(result.message).toContain(`after ${patience} s`);
    expect(site.servers.calls).toEqual({ prepare: 1 });
    expect(site.master.double.calls).toEqual([]);
  }, 60_000);
});

describe('with SLIPWAY_SALT_MASTER', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite(true);
  }, 60_000);
  beforeEach(() => mend(site));
  afterAll(async () => {
    await site.world.close();
    await site.master.double.close();
  }, 60_000);

  test("a silent minion is installed over SSH, its host's key is accepted, and the host is inited", async () => {
    const host = await aHost(site);
    let env: Record<string, string> = {};
    const play = installs(site);
    site.servers.behaviour = (control) => {
      ({ env } = control.job);
      play(control);
    };
    const taskId = await begin(site, host);
    expect(await outcome(site, taskId)).toMatchObject({ status: 'finished', message: null });
    expect(env).toEqual({
      SLIPWAY_MASTER: at,
      SLIPWAY_MASTER_FINGER: site.master.fingerprint,
      SLIPWAY_MINION: host.name,
      SLIPWAY_ROOT: 'sudo',
      SLIPWAY_SECONDS: String(patience),
    });
    expect(site.master.accepted).toEqual([host.name]);
    expect(await hostRow(site.world, host)).toMatchObject({ status: 'inited', busyTaskId: null });
    const { body } = await site.admin.get<{ results: { step: string; text: string }[] }>(
      `/hosts/tasks/${taskId}/output/`,
    );
    expect(body.results).toEqual([
      expect.objectContaining({ step: 'minion', text: 'Setting up salt-minion (3008.3) ...' }),
      expect.objectContaining({ step: 'minion', text: `the minion's key: ${own}` }),
    ]);
    expect(site.servers.hosts.get(host.name)?.jobs.get(`t${taskId}-p0-minion`)?.state.exitCode).toBe(0);
  }, 60_000);

  test('a minion that answers is left alone', async () => {
    const host = await aHost(site);
    site.master.keys.minions.set(host.name, key);
    const calls = site.master.double.calls.length;
    const taskId = await begin(site, host);
    expect(await outcome(site, taskId)).toMatchObject({ status: 'finished' });
    expect(runsOf(site, taskId)).toBeUndefined();
    expect(site.master.double.calls).toHaveLength(calls);
  }, 60_000);

  test('a host whose agent is in trouble, or a master that is away, is no reason to install', async () => {
    const host = await aHost(site);
    site.minions.failure = () => unavailable('salt', 'salt-api does not answer: ECONNREFUSED');
    const taskId = await begin(site, host);
    const result = await inVain(site, host, taskId);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain(`salt-api does not answer: ECONNREFUSED after ${patience} s`);
    expect(runsOf(site, taskId)).toBeUndefined();
  }, 60_000);

  test('a host without an address is not reached, and the message asks for one', async () => {
    const host = await aHost(site, { address: '' });
    const result = await inVain(site, host);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain(`give ${host.name} an address`);
  }, 60_000);

  test('a user without @wheel is refused before any work on the host, and the message names the permission', async () => {
    const host = await aHost(site);
    site.master.mayAsk = false;
    const taskId = await begin(site, host);
    const result = await outcome(site, taskId);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain('salt-api does not let slipway call key.finger_master (401)');
    expect(result.message).toContain('needs @wheel');
    expect(runsOf(site, taskId)).toBeUndefined();
  }, 60_000);

  test('a master that fails is asked again while there is patience, and what it says is not repeated', async () => {
    const host = await aHost(site);
    site.master.failsWith = `Exception occurred in wheel: ${site.master.settings.password}`;
    const result = await inVain(site, host);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain(`the Salt master fails at key.finger_master after ${patience} s`);
  }, 60_000);

  test('an SSH server that does not answer is waited for', async () => {
    const host = await aHost(site, { ssh: false });
    const result = await inVain(site, host);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain(`the host ${host.name} does not answer`);
    expect(result.message).toContain(`after ${patience} s`);
    expect(site.master.accepted).toEqual([]);
  }, 60_000);

  test('a host whose SSH key is not pinned is refused at once, with the words of the runner', async () => {
    const host = await aHost(site);
    site.servers.failure = () => refused('ssh', 'it is not in the file of SLIPWAY_SSH_KNOWN_HOSTS');
    const result = await initialised(site, host);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain('it is not in the file of SLIPWAY_SSH_KNOWN_HOSTS');
  }, 60_000);

  test('an installation that fails ends it, and what the host said is in the output', async () => {
    const host = await aHost(site);
    site.servers.behaviour = ({ stderr, exit }) => {
      stderr('E: Unable to locate package salt-minion\n');
      exit(1);
    };
    const taskId = await begin(site, host);
    const result = await outcome(site, taskId);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain('its minion could not be installed; see the output of the task');
    const { body } = await site.admin.get(`/hosts/tasks/${taskId}/output/`);
    expect(JSON.stringify(body)).toContain('E: Unable to locate package salt-minion');
    expect(site.master.accepted).toEqual([]);
  }, 60_000);

  test.each([
    [77, 'allow him sudo without one (NOPASSWD: ALL), or have the runner come as root (SLIPWAY_SSH_USER)'],
    [124, `it took longer than ${patience} s and was ended`],
  ])(
    'an installation that ends with status %s says what to do, or why',
    async (status, why) => {
      site.servers.behaviour = ({ exit }) => exit(status);
      const result = await initialised(site, await aHost(site));
      expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
      expect(result.message).toContain(why);
      expect(site.master.accepted).toEqual([]);
    },
    60_000,
  );

  test('a host that does not say its key, or whose job was lost, has none accepted', async () => {
    site.servers.behaviour = ({ stdout, exit }) => {
      stdout("the minion's key: none\n");
      exit(0);
    };
    const result = await initialised(site, await aHost(site));
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain('does not say what key its minion has');

    site.servers.behaviour = ({ host, job }) => {
      // It is in place once the behaviour has been played.
      setImmediate(() => {
        const made = site.servers.hosts.get(host)?.jobs.get(job.id);
        if (made) made.state = { ...made.state, state: 'unknown' };
      });
    };
    const lost = await initialised(site, await aHost(site));
    expect(lost).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(lost.message).toContain('it is not known how the installation of its minion ended');
    expect(site.master.accepted).toEqual([]);
  }, 60_000);

  test.each([
    ['minions_pre', 'pending', other],
    ['minions', 'accepted', other],
    ['minions_rejected', 'rejected', other],
    ['minions_rejected', 'rejected', key],
    ['minions_denied', 'denied', other],
    ['minions_denied', 'denied', key],
  ] as const)(
    'a key in %s that is not to be taken is refused (%s) and left as it is',
    async (folder, state, present) => {
      const host = await aHost(site);
      site.master.keys[folder].set(host.name, present);
      site.servers.behaviour = ({ stdout, exit }) => {
        stdout(`the minion's key: ${own}\n`);
        exit(0);
      };
      const result = await initialised(site, host);
      expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
      const which = present === key ? 'that key' : `another key (${fingerprintOf(other)})`;
      expect(result.message).toContain(`has the key ${own} on its host, and the Salt master has ${which} as ${state}`);
      expect(result.message).toContain(`salt-key -d ${host.name}`);
      expect(site.master.keys[folder].get(host.name)).toBe(present);
      expect(site.master.accepted).toEqual([]);
    },
    60_000,
  );

  test('a key that was denied to another minion does not keep the right one out', async () => {
    const host = await aHost(site);
    site.master.keys.minions_denied.set(host.name, other);
    expect(await initialised(site, host)).toMatchObject({ status: 'finished' });
  }, 60_000);

  test('a minion that never comes to the master is waited for no longer than the patience, which the message says', async () => {
    site.servers.behaviour = ({ stdout, exit }) => {
      stdout(`the minion's key: ${own}\n`);
      exit(0);
    };
    const result = await inVain(site, await aHost(site));
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain(`${at} does not know its key yet after ${patience} s`);
  }, 60_000);

  test('nor is one that was accepted and does not answer', async () => {
    site.minions.failure = (_method, host) => new HostUnreachableError('salt', `the minion ${host} does not answer`);
    const host = await aHost(site);
    const taskId = await begin(site, host);
    const result = await inVain(site, host, taskId);
    expect(result).toMatchObject({ status: 'failed', error_code: 30004 });
    expect(result.message).toContain(
      `the minion ${host.name} is installed and its key accepted; it has not answered yet`,
    );
    expect(result.message).toContain(`after ${patience} s`);
    expect(runsOf(site, taskId)).toBe(1);
    expect(site.master.accepted).toEqual([host.name]);
  }, 60_000);

  test('what is cut short anywhere is gone on with, and done once', async () => {
    const host = await aHost(site);
    const play = installs(site);
    let go = (): void => undefined;
    site.servers.behaviour = (control) => {
      control.stdout('Get:1 salt-minion\n');
      go = () => play(control);
    };
    // The answer to the acceptance is lost after the master has accepted.
    site.master.double.meet('drop_after');
    const taskId = await begin(site, host);
    await eventually(() => runsOf(site, taskId) === 1, { timeout: 20_000 });
    site.servers.failure = () => unavailable('ssh', `${host.name} does not answer: the connection was lost`);
    await eventually(async () => (await hostTaskOf(site, taskId)).results[0]?.message?.includes('was lost') === true, {
      timeout: 20_000,
    });
    go();
    site.servers.failure = null;
    expect(await outcome(site, taskId)).toMatchObject({ status: 'finished' });
    expect(runsOf(site, taskId)).toBe(1);
    expect(site.master.accepted).toEqual([host.name]);
    expect(site.master.double.ahead()).toBe(0);
  }, 60_000);

  test('initialised again after a failure it starts over, with a new job', async () => {
    const host = await aHost(site);
    const play = site.servers.behaviour;
    site.servers.behaviour = ({ exit }) => exit(1);
    expect(await initialised(site, host)).toMatchObject({ status: 'failed' });
    site.servers.behaviour = play;
    expect(await initialised(site, host)).toMatchObject({ status: 'finished' });
  }, 60_000);
});
