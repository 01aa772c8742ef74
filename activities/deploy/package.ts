import { settingsOf } from '../../db/deploy/settings.ts';
import { PackageRefused } from '../providers/repository/refusal.ts';
import type { Package } from '../providers/repository/store.ts';
import { ProviderError } from '../providers/error.ts';
import { runnerOf } from '../providers/runner/registry.ts';
import type { ActivityDeps } from '../deps.ts';
import { runnerHost } from '../deps.ts';

export type FoundPackage = Package | { unread: string };

/** The package as it lies on the host of an instance now, or why it cannot be read there. */
export async function readPackage(deps: ActivityDeps, instanceId: number, source: string): Promise<FoundPackage> {
  const host = await deps.db
    .selectFrom('instances')
    .innerJoin('hosts', 'hosts.id', 'instances.hostId')
    .select(['hosts.name', 'hosts.runner', 'hosts.minionId', 'hosts.ipAddress', 'instances.applicationId'])
    .where('instances.id', '=', instanceId)
    .executeTakeFirst();
  if (!host) return { unread: 'the application has no instance yet' };
  const settings = await settingsOf(deps.db, host.applicationId);
  if (settings?.repository) {
    return { unread: 'there is no driver for its repository: set repository to null and give a path on the hosts' };
  }
  try {
    const target = runnerHost(host);
    return await deps.packages.fetch(runnerOf(deps.runners, target), target, source);
  } catch (error) {
    if (error instanceof PackageRefused || error instanceof ProviderError) return { unread: error.message };
    throw error;
  }
}
