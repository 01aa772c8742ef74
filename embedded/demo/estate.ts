// The sample estate: an application with two instances on local hosts, a package of a small web service in two versions, and
// hooks. Idempotent: a second run finds existing parts.
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { localHostFolder } from '../../kit/host-path.ts';
import { freePort } from '../ports.ts';
import type { DemoClient, DemoPage } from './client.ts';
import type { People } from './people.ts';
import { eventually } from './wait.ts';

export interface Instance {
  id: number;
  hostname: string;
  status: string;
  version: string | null;
}

export interface DemoEstate {
  applicationId: number;
  instances: Instance[];
}

export const hostnames = ['web-1', 'web-2'] as const;
export const packagePath = (version: string): string => `/packages/web-${version}.tar.gz`;
export const portFile = (dataDir: string, hostname: string): string =>
  join(localHostFolder(dataDir, hostname), 'etc', 'web-port');

const service = join(import.meta.dirname, '..', 'sample', 'web');

/** Creates the missing parts. */
export async function estate({ admin, mei, li }: People, dataDir: string, versions: string[]): Promise<DemoEstate> {
  const applicationId = await application(admin);
  const hostIds: number[] = [];
  for (const name of hostnames) hostIds.push(await host(admin, dataDir, name));
  await initialise(admin, hostIds);
  for (const name of hostnames) {
    await givePort(dataDir, name);
    for (const version of versions) await placePackage(dataDir, name, version);
  }
  await hooks(admin, applicationId);
  await grant(admin, mei.id, applicationId, ['view_app', 'deploy_app', 'review_app_deploy_task']);
  await grant(admin, li.id, applicationId, ['view_app', 'review_app_deploy_task']);
  return { applicationId, instances: await instances(admin, applicationId, hostIds) };
}

async function application(admin: DemoClient): Promise<number> {
  const { results } = await admin.get<DemoPage<{ id: number; full_name: string }>>('/applications/?name=web');
  const found = results.find(({ full_name: name }) => name === 'web');
  if (found) return found.id;
  const { id } = await admin.post<{ id: number }>('/applications/', {
    name: 'web',
    description: 'the sample web service',
    run_user: userInfo().username,
    directory: '/srv/web',
    startup_cmd: 'bin/start',
    stop_cmd: 'bin/stop',
    pid_path: '/run/web.pid',
    stdout_path: '/var/log/web.log',
  });
  return id;
}

async function host(admin: DemoClient, dataDir: string, name: string): Promise<number> {
  const { results } = await admin.get<DemoPage<{ id: number; name: string }>>(`/hosts/?name=${name}`);
  const found = results.find((one) => one.name === name);
  mkdirSync(localHostFolder(dataDir, name), { recursive: true });
  if (found) return found.id;
  const { id } = await admin.post<{ id: number }>('/hosts/', {
    name,
    host_type: 'PHY_HOST',
    runner: 'local',
    ip_address: [{ addr_type: 'PRIVATE', network: '127.0.0.0', netmask: '255.0.0.0', address: '127.0.0.1' }],
  });
  return id;
}

async function initialise(admin: DemoClient, hostIds: number[]): Promise<void> {
  const status = async (id: number): Promise<string> => (await admin.get<{ status: string }>(`/hosts/${id}/`)).status;
  const raw: { id: number }[] = [];
  for (const id of hostIds) if ((await status(id)) === 'raw') raw.push({ id });
  if (raw.length === 0) return;
  const { id } = await admin.post<{ id: number }>('/hosts/init-tasks/', { hosts: raw, opts: {} });
  await eventually(`init task ${id} ends`, async () => {
    const task = await admin.get<{ status: string }>(`/hosts/init-tasks/${id}/`);
    return task.status === 'finished'
      ? true
      : task.status === 'failed'
        ? Promise.reject(new Error('it failed'))
        : false;
  });
}

async function instances(admin: DemoClient, applicationId: number, hostIds: number[]): Promise<Instance[]> {
  const path = `/applications/${applicationId}/instances/`;
  const present = await admin.get<DemoPage<Instance>>(path);
  if (present.count > 0) return present.results;
  return admin.post<Instance[]>(
    path,
    hostIds.map((hostid) => ({ hostid })),
  );
}

async function givePort(dataDir: string, hostname: string): Promise<void> {
  const file = portFile(dataDir, hostname);
  if (existsSync(file)) return;
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `${await freePort()}\n`);
}

async function placePackage(dataDir: string, hostname: string, version: string): Promise<void> {
  const target = join(localHostFolder(dataDir, hostname), packagePath(version));
  const [first] = hostnames;
  const made = join(localHostFolder(dataDir, first), packagePath(version));
  mkdirSync(join(target, '..'), { recursive: true });
  if (existsSync(target)) return;
  if (hostname !== first) {
    copyFileSync(made, target);
    return;
  }
  const folder = mkdtempSync(join(dataDir, 'sample-'));
  try {
    cpSync(service, folder, { recursive: true });
    writeFileSync(join(folder, 'VERSION'), `${version}\n`);
    await create({ file: target, cwd: folder, gzip: true }, ['.']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const scripts = {
  pre_exec: 'echo "{{ host.name }}: from {{ previous_version or "nothing" }} to {{ version }}"\n',
  post_exec: [
    'port=$(cat "$SLIPWAY_HOST_ROOT/etc/web-port")',
    'node -e "fetch(process.argv[1]).then((r) => r.json()).then(console.log)" "http://{{ host.ip }}:$port/"',
    '',
  ].join('\n'),
};

async function hooks(admin: DemoClient, applicationId: number): Promise<void> {
  const settings = `/applications/${applicationId}/deploy-settings/`;
  const ids: Record<string, { script: { id: number } }> = {};
  for (const [hook, content] of Object.entries(scripts)) {
    const name = `web ${hook}`;
    const query = new URLSearchParams({ name });
    const { results } = await admin.get<DemoPage<{ id: number }>>(`/application/deploy-scripts/?${query.toString()}`);
    const script =
      results[0] ??
      (await admin.post<{ id: number }>('/application/deploy-scripts/', { name, language: 'bash', content }));
    ids[hook] = { script: { id: script.id } };
  }
  await admin.patch(settings, { lifecycle_hooks: ids });
}

const grant = (admin: DemoClient, userId: number, applicationId: number, names: string[]): Promise<unknown> =>
  admin.post(`/users/${userId}/application/perms/`, {
    authorizations: [{ id: applicationId, permission: Object.fromEntries(names.map((name) => [name, true])) }],
  });
