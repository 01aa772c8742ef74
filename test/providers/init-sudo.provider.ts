// Initialisation over a real sshd by a user who is not root: with sudo that asks for no password, and without it. Needs root:
// the host is this machine, and the user one of its own.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestUser } from '../support/api/app.ts';
import { created } from '../support/api/inventory.ts';
import { ownEstate } from '../support/deploy/processes.ts';
import { eventually, undoAll, unique } from '../support/harness.ts';
import { endedHostTask } from '../support/hosts/fleet.ts';
import type { HostResult, HostTask } from '../support/hosts/fleet.ts';
import { zipOf } from '../support/providers/archives.ts';
import { commandsNaming, told } from './runner-values.suite.ts';
import { makeAccount } from '../support/servers/account.ts';
import { debian } from '../support/servers/install.ts';
import { startSshd } from '../support/servers/sshd.ts';

const seconds = 20;
const folder = mkdtempSync(join(tmpdir(), 'slipway-sudo-'));
const opened: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
let admin: TestUser;
let sudoers: string;

beforeAll(async () => {
  await debian('/usr/bin/sudo', 'sudo');
  const account = makeAccount();
  opened.push(() => account.remove());
  const { username } = account;
  execFileSync('chown', [username, dirname(account.authorizedKeys)]);
  sudoers = `/etc/sudoers.d/${username}`;
  opened.push(() => rmSync(sudoers, { force: true }));
  writeFileSync(sudoers, `${username} ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440, flag: 'wx' });
  const ssh = await startSshd();
  opened.push(() => ssh.stop());
  // sshd reads the authorized keys as the user.
  chmodSync(ssh.folder, 0o711);
  const site = await ownEstate({
    SLIPWAY_SSH_KEY_FILE: ssh.settings.keyFile,
    SLIPWAY_SSH_KNOWN_HOSTS: ssh.settings.knownHosts,
    SLIPWAY_SSH_PORT: String(ssh.settings.port),
    SLIPWAY_SSH_USER: username,
    SLIPWAY_HOST_INSTALL_SECONDS: String(seconds),
  });
  opened.push(() => site.close());
  await Promise.all([site.start('worker'), site.start('api')]);
  admin = await site.user({ admin: true });
});
afterAll(() => undoAll(opened));

interface Made {
  id: number;
  name: string;
}

/** This machine is one host. */
let host: Made | undefined;

/** Initialises the host with a package from a path of this machine; returns the outcome and the output. */
async function initialised(
  name: string,
  source: string,
  more: { sha256?: string } = {},
): Promise<HostResult & { output: string }> {
  opened.push(() =>
    [name, `.${name}.sha256`].forEach((one) => rmSync(join('/opt', one), { recursive: true, force: true })),
  );
  host ??= await created<Made>(admin, '/hosts/', {
    name: `ssh-${unique()}`,
    host_type: 'PHY_HOST',
    runner: 'ssh',
    ip_address: [{ addr_type: 'PRIVATE', address: '127.0.0.1', network: '127.0.0.0', netmask: '255.0.0.0' }],
  });
  const shipped = await created<Made>(admin, '/resource-request/shipped-packages/', {
    name,
    type: 'zip',
    source,
    ...more,
  });
  const opts = { shipped_packages: [{ id: shipped.id }] };
  const { id } = await created<HostTask>(admin, '/hosts/init-tasks/', { hosts: [{ id: host.id }], opts });
  const [result] = (await endedHostTask({ admin }, id, 240_000)).results;
  const { body } = await admin.get<{ results: { text: string }[] }>(`/hosts/tasks/${id}/output/`);
  if (!result) throw new Error('no result');
  return { ...result, output: body.results.map(({ text }) => text).join('\n') };
}

const nameOf = (): string => `slipway-sudo-${unique()}`;
const zip = (): string => {
  const file = join(folder, `${unique()}.zip`);
  writeFileSync(file, zipOf([{ path: 'tool', content: 'tool', mode: 0o755 }]));
  return file;
};

test('who may use sudo without a password installs as root', async () => {
  const name = nameOf();
  expect(await initialised(name, zip())).toMatchObject({ status: 'finished', message: null });
  expect(readFileSync(`/opt/${name}/tool`, 'utf8')).toBe('tool');
  expect(statSync(`/opt/${name}`).uid).toBe(0);
});

test('while it is installed nobody on the host reads its address in the arguments of a process', async () => {
  const token = `token-${unique()}`;
  const [file, name] = [readFileSync(zip()), nameOf()];
  const seen: string[][] = [];
  const server = createServer((_request, response) => {
    seen.push(commandsNaming(token, '/package'), told(token));
    response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => server.close());
  const sha256 = createHash('sha256').update(file).digest('hex');
  const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/package?${token}`;
  expect(await initialised(name, source, { sha256 })).toMatchObject({ status: 'finished', message: null });
  expect(readFileSync(`/opt/${name}/tool`, 'utf8')).toBe('tool');
  const [commands = [], processes] = seen;
  expect(processes).not.toEqual([]);
  expect(commands).toContainEqual(expect.stringMatching(/^curl .*--output \S+\/package /));
  expect(commands.filter((command) => command.includes(token))).toEqual([]);
});

test('what hangs is ended as root, with nothing left of it on the host', async () => {
  const fifo = join(folder, `${unique()}.zip`);
  execFileSync('mkfifo', [fifo]);
  const end = initialised(nameOf(), fifo);
  await eventually(() => expect(told(fifo)).not.toEqual([]), { timeout: 120_000 });
  const { status, message } = await end;
  expect([status, message]).toEqual([
    'failed',
    expect.stringContaining(`it took longer than ${seconds} s and was ended`),
  ]);
  await eventually(() => expect(told(fifo)).toEqual([]));
});

test('who may not is told what to do, and nothing is installed', async () => {
  rmSync(sudoers);
  const name = nameOf();
  const { status, message, output } = await initialised(name, zip());
  expect(status).toBe('failed');
  expect(message).toContain(
    'allow him sudo without one (NOPASSWD: ALL), or have the runner come as root (SLIPWAY_SSH_USER)',
  );
  expect(output).toContain('is neither root on this host nor may become it with sudo -n');
  expect(existsSync(`/opt/${name}`)).toBe(false);
});
