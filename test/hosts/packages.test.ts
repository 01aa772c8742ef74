// Initialisation with shipped packages from the API to a host that is a folder, whose install script really runs; by
// processes of which the worker is killed in the middle.
import { execFileSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { localHostFolder } from '../../kit/host-path.ts';
import type { TestUser } from '../support/api/app.ts';
import { aHost, created, type Host } from '../support/api/inventory.ts';
import { ended, ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';
import { eventually, unique } from '../support/harness.ts';
import { tarOf, zipOf } from '../support/providers/archives.ts';
import { endedHostTask, hostTaskOf } from '../support/hosts/fleet.ts';
import type { HostTask } from '../support/hosts/fleet.ts';

let site: ProcessEstate;
let admin: TestUser;
let worker: ChildProcess;
beforeAll(async () => {
  site = await ownEstate();
  [worker] = await Promise.all([site.start('worker'), site.start('api')]);
  admin = await site.user({ admin: true });
}, 120_000);
afterAll(() => site.close(), 60_000);

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const tarGz = (text: string): Buffer => gzipSync(tarOf([{ path: 'bin/tool', content: text, mode: 0o755 }]));
const zip = (text: string): Buffer => zipOf([{ path: 'bin/tool', content: text, mode: 0o755 }]);

interface Package {
  id: number;
  name: string;
}

/** A shipped package whose file is at this path of the host. */
const shipped = (type: 'zip' | 'tar.gz', source: string, sum: string | null): Promise<Package> =>
  created<Package>(admin, '/resource-request/shipped-packages/', { name: `p-${unique()}`, type, source, sha256: sum });

const at = (host: Host, path: string): string => join(localHostFolder(site.config.dataDir, host.name), path);

function place(host: Host, path: string, content: Buffer): void {
  mkdirSync(dirname(at(host, path)), { recursive: true });
  writeFileSync(at(host, path), content);
}

async function initialise(host: Host, packages: readonly Package[]): Promise<number> {
  const opts = { shipped_packages: packages.map(({ id }) => ({ id })) };
  return (await created<HostTask>(admin, '/hosts/init-tasks/', { hosts: [{ id: host.id }], opts })).id;
}

const toolOf = (host: Host, { name }: Package): string => readFileSync(at(host, `/opt/${name}/bin/tool`), 'utf8');

test('packages of both kinds are unpacked, their checksums checked, and the host is inited', async () => {
  const host = await aHost(site.db, admin, 'raw');
  const files = { zip: zip('zipped'), tar: tarGz('tarred') };
  place(host, '/srv/a.zip', files.zip);
  place(host, '/srv/b.tar.gz', files.tar);
  const [a, b] = [
    await shipped('zip', '/srv/a.zip', sha256(files.zip)),
    await shipped('tar.gz', '/srv/b.tar.gz', sha256(files.tar)),
  ];
  const task = await endedHostTask({ admin }, await initialise(host, [a, b]), 90_000);
  expect(task).toMatchObject({ status: 'finished', results: [{ status: 'finished', error_code: null }] });
  expect([toolOf(host, a), toolOf(host, b)]).toEqual(['zipped', 'tarred']);
  expect(statSync(at(host, `/opt/${b.name}/bin/tool`)).mode & 0o111).not.toBe(0);
  expect((await admin.get<Host>(`/hosts/${host.id}/`)).body).toMatchObject({ status: 'inited', busy: null });
}, 120_000);

test('a file that is another than its checksum says is refused, and nothing of it is on the host', async () => {
  const host = await aHost(site.db, admin, 'raw');
  place(host, '/srv/c.tar.gz', tarGz('changed'));
  const one = await shipped('tar.gz', '/srv/c.tar.gz', sha256(tarGz('as it was')));
  const id = await initialise(host, [one]);
  const task = await endedHostTask({ admin }, id, 90_000);
  expect(task).toMatchObject({ status: 'failed', results: [{ status: 'failed', error_code: 30004 }] });
  expect(task.results[0]?.message).toContain(`${one.name} could not be installed; see the output of the task`);
  const output = await admin.get<{ results: { text: string }[] }>(`/hosts/tasks/${id}/output/`);
  expect(output.body.results.map(({ text }) => text).join('\n')).toContain(`the checksum of ${one.name} is`);
  expect(() => toolOf(host, one)).toThrow();
  expect((await admin.get<Host>(`/hosts/${host.id}/`)).body).toMatchObject({ status: 'raw', busy: null });
}, 120_000);

test('a file that is no archive, and one that is not there, are refused', async () => {
  const host = await aHost(site.db, admin, 'raw');
  place(host, '/srv/d.zip', Buffer.from('no archive'));
  for (const source of ['/srv/d.zip', '/srv/nowhere.zip']) {
    const one = await shipped('zip', source, null);
    const task = await endedHostTask({ admin }, await initialise(host, [one]), 90_000);
    expect(task).toMatchObject({ status: 'failed', results: [{ status: 'failed', error_code: 30004 }] });
    expect(() => toolOf(host, one)).toThrow();
  }
}, 120_000);

test('when the worker is killed in the middle of a package, the next one goes on there and repeats nothing', async () => {
  const host = await aHost(site.db, admin, 'raw');
  place(host, '/srv/first.tar.gz', tarGz('first'));
  execFileSync('mkfifo', [at(host, '/srv/second.zip')]);
  const first = await shipped('tar.gz', '/srv/first.tar.gz', sha256(tarGz('first')));
  const second = await shipped('zip', '/srv/second.zip', sha256(zip('second')));
  const id = await initialise(host, [first, second]);
  await eventually(() => toolOf(host, first) === 'first', { timeout: 60_000 });
  const { ino } = statSync(at(host, `/opt/${first.name}`));
  await ended(worker, 'SIGKILL');
  worker = await site.start('worker');
  expect(await hostTaskOf({ admin }, id)).toMatchObject({ status: 'running' });
  await writeFile(at(host, '/srv/second.zip'), zip('second'));
  expect(await endedHostTask({ admin }, id, 120_000)).toMatchObject({ status: 'finished' });
  expect(toolOf(host, second)).toBe('second');
  expect(statSync(at(host, `/opt/${first.name}`)).ino).toBe(ino);
}, 240_000);
