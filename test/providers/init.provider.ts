// Initialisation from the API to a host behind a real sshd, by processes of which the worker is killed in the middle of a step.
// Needs root: rpm and /opt are this machine's own.
import { execFileSync, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { TestUser } from '../support/api/app.ts';
import { created } from '../support/api/inventory.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';
import { eventually, undoAll, unique } from '../support/harness.ts';
import { endedHostTask } from '../support/hosts/fleet.ts';
import type { HostTask } from '../support/hosts/fleet.ts';
import { tarOf, zipOf } from '../support/providers/archives.ts';
import { debian } from '../support/servers/install.ts';
import { startSshd } from '../support/servers/sshd.ts';
import type { SshServer } from '../support/servers/sshd.ts';

const long = 240_000;
const folder = mkdtempSync(join(tmpdir(), 'slipway-init-'));
const opened: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
let site: ProcessEstate;
let ssh: SshServer;
let admin: TestUser;
let worker: ChildProcess;

beforeAll(async () => {
  await debian('/usr/bin/rpmbuild', 'rpm');
  ssh = await startSshd();
  opened.push(() => ssh.stop());
  site = await ownEstate({
    SLIPWAY_SSH_KEY_FILE: ssh.settings.keyFile,
    SLIPWAY_SSH_KNOWN_HOSTS: ssh.settings.knownHosts,
    SLIPWAY_SSH_PORT: String(ssh.settings.port),
  });
  opened.push(() => site.close());
  [worker] = await Promise.all([site.start('worker'), site.start('api')]);
  admin = await site.user({ admin: true });
});
afterAll(() => undoAll(opened));

interface Made {
  id: number;
  name: string;
}

const aHost = (): Promise<Made> =>
  created<Made>(admin, '/hosts/', {
    name: `ssh-${unique()}`,
    host_type: 'PHY_HOST',
    runner: 'ssh',
    ip_address: [{ addr_type: 'PRIVATE', address: '127.0.0.1', network: '127.0.0.0', netmask: '255.0.0.0' }],
  });

const shipped = (type: string, name: string, source: string, file: Buffer): Promise<Made> =>
  created<Made>(admin, '/resource-request/shipped-packages/', {
    name,
    type,
    source,
    sha256: createHash('sha256').update(file).digest('hex'),
  });

async function initialise({ id }: Made, packages: readonly Made[] = []): Promise<number> {
  const opts = { shipped_packages: packages.map((one) => ({ id: one.id })) };
  return (await created<HostTask>(admin, '/hosts/init-tasks/', { hosts: [{ id }], opts })).id;
}

async function finished(taskId: number): Promise<void> {
  const task = await endedHostTask({ admin }, taskId, long);
  if (task.status !== 'finished') throw new Error(`${task.results[0]?.message}: ${await outputOf(taskId)}`);
  expect(task).toMatchObject({ status: 'finished', results: [{ status: 'finished', message: null }] });
}

async function outputOf(taskId: number): Promise<string> {
  const { body } = await admin.get<{ results: { text: string }[] }>(`/hosts/tasks/${taskId}/output/`);
  return body.results.map(({ text }) => text).join('\n');
}

async function workerDies(): Promise<void> {
  await ended(worker, 'SIGKILL');
  worker = await site.start('worker');
}

/** Builds an rpm that counts its installations. */
function rpmOf(name: string): Buffer {
  const [spec, count] = [join(folder, `${name}.spec`), join(folder, `${name}.count`)];
  writeFileSync(
    spec,
    `Name: ${name}\nVersion: 1.0\nRelease: 1\nSummary: s\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n` +
      `%description\nd\n%install\nmkdir -p %{buildroot}/opt/${name}\necho rpm >%{buildroot}/opt/${name}/tool\n` +
      `%post -p <lua>\nlocal f = io.open('${count}', 'a') f:write('one\\n') f:close()\n%files\n/opt/${name}\n`,
  );
  execFileSync('rpmbuild', ['-bb', '--quiet', '--define', `_topdir ${folder}/rpm`, spec], { stdio: 'pipe' });
  opened.push(() => spawnSync('rpm', ['-e', '--nodeps', name]));
  return readFileSync(join(folder, 'rpm/RPMS/noarch', `${name}-1.0-1.noarch.rpm`));
}

async function served(file: Buffer): Promise<string> {
  const server: Server = createServer((_request, response) => response.end(file));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/package`;
}

/** What a package has left in /opt, which is removed afterwards. */
function optOf(name: string): string {
  const place = join('/opt', name);
  opened.push(() => [place, `/opt/.${name}.sha256`].forEach((one) => rmSync(one, { recursive: true, force: true })));
  return place;
}

test('packages of every kind are installed once over SSH, though the worker is killed in one and it is all asked for again', async () => {
  const [zip, tar, rpm] = ['zip', 'tar', 'rpm'].map((kind) => `slipway-${kind}-${unique()}`) as [
    string,
    string,
    string,
  ];
  const places = [zip, tar].map(optOf);
  const files = {
    zip: zipOf([{ path: 'tool', content: 'zip', mode: 0o755 }]),
    tar: gzipSync(tarOf([{ path: 'tool', content: 'tar', mode: 0o755 }])),
    rpm: rpmOf(rpm),
  };
  writeFileSync(join(folder, 'a.zip'), files.zip);
  const held = join(folder, 'held.rpm');
  execFileSync('mkfifo', [held]);
  const packages = [
    await shipped('zip', zip, join(folder, 'a.zip'), files.zip),
    await shipped('tar.gz', tar, await served(files.tar), files.tar),
    await shipped('rpm', rpm, held, files.rpm),
  ];
  const one = await aHost();
  const first = await initialise(one, packages);
  await eventually(() => places.every((place) => existsSync(join(place, 'tool'))), { timeout: long });
  await workerDies();
  await writeFile(held, files.rpm);
  await finished(first);
  expect(readFileSync(`/opt/${zip}/tool`, 'utf8')).toBe('zip');
  expect(readFileSync(`/opt/${tar}/tool`, 'utf8')).toBe('tar');
  expect(execFileSync('rpm', ['-q', rpm], { encoding: 'utf8' })).toContain('1.0-1');
  expect((await admin.get(`/hosts/${one.id}/`)).body).toMatchObject({
    status: 'inited',
    os_status: 'running',
    busy: null,
  });

  const inodes = (): number[] => places.map((place) => statSync(place).ino);
  const before = inodes();
  // What runs from there keeps what it has written there.
  writeFileSync(join(places[0] ?? '', 'state'), 'of the tool');
  const again = await initialise(one, packages);
  await eventually(async () => (await outputOf(again)).includes(`${tar} is in /opt/${tar} already`), { timeout: long });
  await writeFile(held, files.rpm);
  await finished(again);
  expect(inodes()).toEqual(before);
  expect(readFileSync(join(places[0] ?? '', 'state'), 'utf8')).toBe('of the tool');
  expect(
    readFileSync(join(folder, `${rpm}.count`), 'utf8')
      .trim()
      .split('\n').length,
  ).toBeLessThanOrEqual(2);
}, 600_000);
