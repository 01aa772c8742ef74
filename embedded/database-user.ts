// PostgreSQL refuses to run as root. Under root it runs as another user, who must reach its programs and data. That user
// can't enter /root whatever the modes below, so for such folders both go below /var/lib. The choice is recorded in the data
// folder, so that the data is found again.
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A system user by uid and gid. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

const candidates = ['postgres', 'slipway', 'nobody'];

/** The user who runs the database when Slipway runs as root, else undefined; existing data keeps its owner. */
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

/** Whether `user` may traverse `folder` and its parents, by their modes. */
export function canReach(user: SystemUser, folder: string): boolean {
  const { uid, gid, mode } = statSync(folder);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0 && (dirname(folder) === folder || canReach(user, dirname(folder)));
}

/** Creates a private folder owned by `user`, or by the present user. */
export function privateFolder(folder: string, user: SystemUser | undefined): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o700);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
}
