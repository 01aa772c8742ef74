// A minion is installed over a real sshd and let in by a real master, by processes of which the worker is killed in the middle.
// Needs root: the host is this machine, and finds Salt's programs where packages of its own would be.
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaltApi } from '../../activities/providers/runner/salt/api.ts';
import { fingerprintOf, SaltKeys } from '../../activities/providers/runner/salt/keys.ts';
import type { TestUser } from '../support/api/app.ts';
import { created } from '../support/api/inventory.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';
import { eventually, undoAll, unique } from '../support/harness.ts';
import { endedHostTask } from '../support/hosts/fleet.ts';
import type { HostTask } from '../support/hosts/fleet.ts';
import { killServing } from '../support/servers/process.ts';
import { runningSalt } from '../support/servers/salt.ts';
import type { SaltServers } from '../support/servers/salt.ts';
import { startSshd } from '../support/servers/sshd.ts';

const long = 240_000;
/** Where a host looks for programs before its own. */
const bin = '/usr/local/bin';
const folder = mkdtempSync(join(tmpdir(), 'slipway-minion-'));
const opened: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
const dropIn = join(folder, 'minion.d', 'slipway.conf');
let salt: SaltServers;
let keys: SaltKeys;
let site: ProcessEstate;
let admin: TestUser;
let worker: ChildProcess;

beforeAll(async () => {
  salt = await runningSalt();
  keys = new SaltKeys(salt.settings, salt.master);
  placePrograms();
  const ssh = await startSshd();
  opened.push(() => ssh.stop());
  const { url, user, password, eauth } = salt.settings;
  site = await ownEstate({
    SLIPWAY_SSH_KEY_FILE: ssh.settings.keyFile,
    SLIPWAY_SSH_KNOWN_HOSTS: ssh.settings.knownHosts,
    SLIPWAY_SSH_PORT: String(ssh.settings.port),
    SLIPWAY_SALT_MASTER: salt.master,
    SLIPWAY_SALT_URL: url,
    SLIPWAY_SALT_USER: user,
    SLIPWAY_SALT_PASSWORD: password,
    SLIPWAY_SALT_EAUTH: eauth,
  });
  opened.push(() => site.close());
  [worker] = await Promise.all([site.start('worker'), site.start('api')]);
  admin = await site.user({ admin: true });
});
afterAll(() => undoAll(opened));

/** Salt's programs with a configuration in the test's folder, so that this minion and others live side by side. */
function placePrograms(): void {
  const own = (name: string): string => join(folder, name);
  const config = {
    root_dir: folder,
    user: 'root',
    pki_dir: own('pki'),
    cachedir: own('cache'),
    sock_dir: own('sock'),
    log_file: own('minion.log'),
    log_level: 'info',
    grains_cache: true,
    enable_fqdns_grains: false,
    acceptance_wait_time: 1,
  };
  writeFileSync(own('minion'), JSON.stringify(config));
  for (const name of ['salt-minion', 'salt-call']) {
    const place = join(bin, name);
    writeFileSync(own(name), `#!/bin/sh\nexec ${join(salt.programs, name)} -c ${folder} "$@"\n`, { mode: 0o755 });
    // A link that leads nowhere is of a run that was killed; what else is there is the machine's own, and in the way.
    if (!existsSync(place)) rmSync(place, { force: true });
    symlinkSync(own(name), place);
    opened.push(() => rmSync(place));
  }
  opened.push(() => killServing(join(salt.programs, 'salt-minion'), folder));
}

interface Made {
  id: number;
  name: string;
}

const aHost = (): Promise<Made> =>
  created<Made>(admin, '/hosts/', {
    name: `fresh-${unique()}.example`,
    host_type: 'PHY_HOST',
    runner: 'salt',
    ip_address: [{ addr_type: 'PRIVATE', address: '127.0.0.1', network: '127.0.0.0', netmask: '255.0.0.0' }],
  });

const initialise = async ({ id }: Made): Promise<number> =>
  (await created<HostTask>(admin, '/hosts/init-tasks/', { hosts: [{ id }], opts: {} })).id;

async function outputOf(taskId: number): Promise<string> {
  const { body } = await admin.get<{ results: { text: string }[] }>(`/hosts/tasks/${taskId}/output/`);
  return body.results.map(({ text }) => text).join('\n');
}

const ownKey = (): string => fingerprintOf(readFileSync(join(folder, 'pki', 'minion.pub'), 'utf8'));

/** Asks the master, as salt-key would do it. */
const onMaster = (fun: string, more: object): Promise<unknown> =>
  new SaltApi(salt.settings).ask({ ...more, client: 'wheel', fun });

/** Waits for the end; a failure comes with what the minion has to say. */
async function finished(taskId: number): Promise<void> {
  const task = await endedHostTask({ admin }, taskId, long);
  const log = existsSync(join(folder, 'minion.log')) ? readFileSync(join(folder, 'minion.log'), 'utf8') : 'no log';
  const { status, message } = task.results[0] ?? {};
  if (task.status !== 'finished') throw new Error(`${status}: ${message}\n${await outputOf(taskId)}\n${log}`);
}

test('a host without a minion is given one, whose very key is accepted, though the worker is killed meanwhile', async () => {
  const host = await aHost();
  const taskId = await initialise(host);
  await eventually(() => existsSync(dropIn), { timeout: long });
  await ended(worker, 'SIGKILL');
  worker = await site.start('worker');
  await finished(taskId);
  expect(await keys.of(host.name)).toEqual({ accepted: ownKey() });
  expect(readFileSync(dropIn, 'utf8')).toContain(`master_finger: '${await keys.masterFingerprint()}'`);
  expect(await outputOf(taskId)).toContain(`the minion's key: ${ownKey()}`);
  expect((await admin.get(`/hosts/${host.id}/`)).body).toMatchObject({ status: 'inited', busy: null });

  const before = readFileSync(join(folder, 'var/run/salt-minion.pid'), 'utf8');
  const again = await initialise(host);
  await finished(again);
  expect(await outputOf(again)).toBe('');
  expect(readFileSync(join(folder, 'var/run/salt-minion.pid'), 'utf8')).toBe(before);
});

test("a name whose key was rejected is refused, and the master's keys stay as they are", async () => {
  const host = await aHost();
  await onMaster('key.gen_accept', { id_: host.name });
  await onMaster('key.reject', { match: host.name, include_accepted: true });
  const before = await keys.of(host.name);
  expect(Object.keys(before)).toEqual(['rejected']);
  const task = await endedHostTask({ admin }, await initialise(host), long);
  expect(task).toMatchObject({ status: 'failed', results: [{ status: 'failed', error_code: 30004 }] });
  expect(task.results[0]?.message).toContain(`another key (${before.rejected}) as rejected`);
  expect(await keys.of(host.name)).toMatchObject(before);
});

test('a user who may not list keys gets the missing permission named, and no password', async () => {
  const { guest, password, settings } = salt;
  const asked = new SaltKeys({ ...settings, user: guest }, salt.master).masterFingerprint();
  await expect(asked).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining('needs @wheel') });
  await expect(asked).rejects.not.toMatchObject({ message: expect.stringContaining(password) });
});

test("what a minion says of its key by itself is what is compared with the master's", () => {
  const said = execFileSync(join(bin, 'salt-call'), ['--local', '--out=json', 'key.finger', 'hash_type=sha256']);
  expect(JSON.parse(said.toString())).toEqual({ local: ownKey() });
});
