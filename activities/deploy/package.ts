// Locates and reads the package of a task. The only place that decrypts repository secrets, which it passes to the driver
// alone.
import { credentialPurpose } from '../../db/deploy/credentials.ts';
import type { StoredCredential } from '../../db/deploy/repository.ts';
import { settingsOf } from '../../db/deploy/settings.ts';
import type { SettingsInForce } from '../../db/deploy/settings.ts';
import { isAdmitted } from '../../db/hosts/ways.ts';
import { SecretsError } from '../../db/secrets/secrets.ts';
import { repositoryAddress } from '../../kit/repository-address.ts';
import type { ActivityDeps } from '../deps.ts';
import { admittedHost } from '../deps.ts';
import { ProviderError, refused } from '../providers/error.ts';
import type { Credential, RepositoryPlace } from '../providers/repository/driver.ts';
import type { PackagePlace } from '../providers/repository/packages.ts';
import type { Package } from '../providers/repository/store.ts';
import { runnerOf } from '../providers/runner/registry.ts';

export type FoundPackage =
  | Package
  | {
      unread: string;
      /** Whether a retry may succeed. */
      mayPass: boolean;
    };

interface Wanted {
  applicationId: number;
  /** The instance on whose host a path is read; null: not known yet. */
  instanceId: number | null;
  source: string;
  /** The checksum approved for this source: a package already stored under it is not downloaded again. */
  approved?: string | null;
  signal?: AbortSignal;
}

/** Reads the package as it is now, or returns why it can't be read. */
export async function readPackage(deps: ActivityDeps, wanted: Wanted): Promise<FoundPackage> {
  const { source, signal, approved } = wanted;
  try {
    const place = await placeOf(deps, wanted);
    const known = approved && 'address' in place ? await deps.packages.find(approved, source) : null;
    const found = known ?? (await deps.packages.fetch(place, source, signal));
    if (!approved || found.sha256 === approved) return found;
    return (await deps.packages.findFormer(approved, source)) ?? found;
  } catch (error) {
    if (!(error instanceof ProviderError) || signal?.aborted) throw error;
    return { unread: error.message, mayPass: error.kind === 'unavailable' };
  }
}

type At = Pick<Wanted, 'applicationId' | 'instanceId'>;

/** The source of an application's packages: its repository, or the host of an instance. */
export async function placeOf(deps: ActivityDeps, { applicationId, instanceId }: At): Promise<PackagePlace> {
  const settings = await settingsOf(deps.db, applicationId);
  return settings?.repository ? repositoryPlace(deps, settings, settings.repository) : hostPlace(deps, instanceId);
}

async function hostPlace(deps: ActivityDeps, instanceId: number | null): Promise<PackagePlace> {
  const { db, runners } = deps;
  const row = await db
    .selectFrom('instances')
    .innerJoin('hosts', 'hosts.id', 'instances.hostId')
    .select(['hosts.name', 'hosts.runner', 'hosts.minionId', 'hosts.ipAddress'])
    .select(isAdmitted.as('isAdmitted'))
    .where('instances.id', '=', instanceId)
    .executeTakeFirst();
  if (!row) throw refused('package', 'the application has no instance yet');
  const host = admittedHost(deps, row);
  return { runner: runnerOf(runners, host), host };
}

async function repositoryPlace(
  deps: ActivityDeps,
  { repositoryPurpose }: SettingsInForce,
  { type, url, branch, encoding, credential }: NonNullable<SettingsInForce['repository']>,
): Promise<RepositoryPlace> {
  const address = repositoryAddress(type, url);
  if (!address) throw refused('package', 'the address of the repository is not one that is taken; enter it again');
  const opener = await opened(deps, repositoryPurpose, credential);
  return { url, address, branch: branch ?? null, encoding, credential: opener };
}

async function opened(
  { db, secrets }: ActivityDeps,
  purpose: string,
  stored: StoredCredential,
): Promise<Credential | null> {
  if (!stored) return null;
  if ('secret' in stored) return credentialOf(stored, () => secrets.open(purpose, stored.secret));
  const row = await db
    .selectFrom('repositoryCredentials')
    .select(['type', 'username', 'secret'])
    .where('id', '=', stored.id)
    .executeTakeFirst();
  if (!row) throw refused('package', 'the credential of the repository is gone; choose another one');
  return credentialOf(row, () => secrets.open(credentialPurpose(stored.id), row.secret));
}

function credentialOf(
  { type, username }: { type: Credential['type']; username: string },
  open: () => string,
): Credential {
  try {
    return type === 'PASSWORD' ? { type, username, password: open() } : { type, username, privateKey: open() };
  } catch (error) {
    throw error instanceof SecretsError ? refused('package', error.message) : error;
  }
}
