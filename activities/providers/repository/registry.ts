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
  /** Of silence. */
  idleMs?: number;
  /** For a whole reading. */
  timeoutMs?: number;
}

/** How each kind of address is spoken to. */
export type Repositories = Record<RepositoryScheme, Repository>;

const defaultIdleMs = 30_000;
/** Less than what the engine gives a reading, so that it ends by itself and says why. */
const defaultTimeoutMs = 12 * 60_000;

export function createRepositories(options: RepositoryOptions): Repositories {
  const { dataDir, destinations, ca, knownHosts } = options;
  const { idleMs = defaultIdleMs, timeoutMs = defaultTimeoutMs } = options;
  const ftp = createFtpRepository({ destinations, ca, idleMs, timeoutMs });
  const sftp = createSftpRepository({ destinations, knownHosts, idleMs, timeoutMs });
  const git = createGitRepository({ dataDir, destinations, trust: { ca, knownHosts }, timeoutMs });
  return { ftp, ftps: ftp, sftp, https: git, http: git, ssh: git };
}
