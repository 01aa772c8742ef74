// PostgreSQL refuses to run as root. Started by root it runs as another user, who must reach its programs and its data. A
// folder below /root is out of his reach whatever its own mode is; then both go to a folder below /var/lib. The
// choice is written into the data folder, since the data must be found again.
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A system user by his numbers. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

const candidates = ['postgres', 'slipway', 'nobody'];

/** The user who runs the database when Slipway runs as root, else undefined; data that exists stays its owner's. */
export function databaseUser(existingData: string): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = statSync(existingData, { throwIfNoEntry: false });
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid };
  const user = findUser();
  if (user !== undefined) return user;
  throw new Error(`as root, PostgreSQL needs one of the users ${candidates.join(', ')}; add one or set DATABASE_URL`);
}

function findUser(): SystemUser | undefined {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const candidate of candidates) {
    const [, , uid, gid] = users.find(([name]) => name === candidate) ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

/** Whether `user` may pass through `folder` and every folder above it, by their modes. */
export function canReach(user: SystemUser, folder: string): boolean {
  const { uid, gid, mode } = statSync(folder);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0 && (dirname(folder) === folder || canReach(user, dirname(folder)));
}

/** Makes a private folder that `user` owns, or the present user. */
export function privateFolder(folder: string, user: SystemUser | undefined): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
}
