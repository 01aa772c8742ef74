// Initialises a host: reach it (installing its minion if configured), add it to monitoring, install its packages in order,
// and set up logins. Each step is idempotent, so an interrupted run restarts from the first and skips completed work.
import { grantLogin } from '../../db/hosts/login-users.ts';
import { packagesOf } from '../../db/hosts/work.ts';
import { install } from './install.ts';
import { reach } from './minion.ts';
import { refusedBy } from './host-task-error.ts';
import { monitored } from './monitor.ts';
import { note } from './host-work.ts';
import type { Done, HostWork } from './host-work.ts';

const named = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.length > 0 ? value.map(String) : undefined;

const idsIn = (value: unknown): number[] =>
  Array.isArray(value) ? value.map((one: { id: unknown }) => Number(one.id)) : [];

export async function initialise(work: HostWork): Promise<Done> {
  const { deps, host, opts, runner } = work;
  if (!runner) throw refusedBy('runner', `the runner "${host.runner}" is not configured`);
  await reach(work, runner);
  const options = { groups: named(opts['zabbix_groups']), templates: named(opts['zabbix_templates']) };
  if (deps.monitoring ?? options.groups ?? options.templates) {
    await note(work, 'monitoring');
    await monitored(work, options);
  }
  for (const one of await packagesOf(deps.db, work.taskId)) {
    await note(work, `package ${one.name}`);
    await install(work, runner, one);
  }
  const users = idsIn(opts['users_with_login_perm']);
  if (users.length > 0) await grantLogin(deps.db, host, users);
  return { left: { osStatus: 'running', ...(host.status === 'raw' && { status: 'inited' }) } };
}
