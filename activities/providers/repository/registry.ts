import type { RepositoryScheme } from '../../../kit/repository-address.ts';
import type { Destinations } from './destinations.ts';
import type { Repository } from './driver.ts';
import { createFtpRepository } from './ftp.ts';
import type { Trust } from './git/access.ts';
import { createGitRepository } from './git/git.ts';
import { createSftpRepository } from './sftp.ts';

export interface RepositoryOptions extends Trust {
  dataDir: string;
  destinations: Destinations;
  /** Idle timeout. */
  idleMs?: number;
  /** Timeout of a whole read. */
  timeoutMs?: number;
}

/** The driver of each URL scheme. */
export type Repositories = Record<RepositoryScheme, Repository>;

const defaultIdleMs = 30_000;
/** Shorter than the engine's timeout of a read, so that the error says why. */
const defaultTimeoutMs = 12 * 60_000;

export function createRepositories(options: RepositoryOptions): Repositories {
  const { dataDir, destinations, ca, knownHosts } = options;
  const { idleMs = defaultIdleMs, timeoutMs = defaultTimeoutMs } = options;
  const ftp = createFtpRepository({ destinations, ca, idleMs, timeoutMs });
  const sftp = createSftpRepository({ destinations, knownHosts, idleMs, timeoutMs });
  const git = createGitRepository({ dataDir, destinations, trust: { ca, knownHosts }, timeoutMs });
  return { ftp, ftps: ftp, sftp, https: git, http: git, ssh: git };
}
