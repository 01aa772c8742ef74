// A host with a deploy path, on this machine, for the scripts that Slipway runs there, as the user that it is for.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lchownSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

// Only root acts for others: an ordinary user has nobody to be tricked by but themselves.
export const isRoot = process.getuid?.() === 0;
const user = isRoot ? 'nobody' : userInfo().username;
const idOf = (kind: 'u' | 'g', name = user): number => Number(execFileSync('id', [`-${kind}`, name]));
export const uid = idOf('u');
const gid = idOf('g');
const secret = 'secret-4711';

const world = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-steps-')));
chmodSync(world, 0o711);
export const removeAll = (): void => rmSync(world, { recursive: true, force: true });

export const own = (path: string): void => lchownSync(path, uid, gid);
export function write(path: string, text: string, owner?: (path: string) => void): void {
  for (const folder of missing(dirname(path))) {
    mkdirSync(folder);
    owner?.(folder);
  }
  writeFileSync(path, text);
  owner?.(path);
}
export const missing = (folder: string): string[] => (existsSync(folder) ? [] : [...missing(dirname(folder)), folder]);

export const tar = join(world, 'package.tar');
write(join(world, 'content/VERSION'), '2.0.0');
execFileSync('tar', ['-cf', tar, '-C', join(world, 'content'), '.']);
export const packageName = `${createHash('sha256').update(readFileSync(tar)).digest('hex')}.tar`;

export class Place {
  readonly root: string;
  readonly at: (path: string) => string;
  readonly outside: string;
  readonly steps: string;

  /** A host with 1.0.0 in /srv/web, which belongs to the user, or to whoever makes it. */
  constructor(owner: (path: string) => void = own) {
    this.root = mkdtempSync(join(world, 'host-'));
    chmodSync(this.root, 0o755);
    this.at = (path) => join(this.root, 'srv/web', path);
    this.outside = mkdtempSync(join(world, 'outside-'));
    this.steps = join(this.root, '.slipway/steps');
    mkdirSync(join(this.root, 'srv'));
    write(this.at('releases/1.0.0/VERSION'), '1.0.0', owner);
    write(this.at('releases/0.9.0/VERSION'), '0.9.0', owner);
    symlinkSync('releases/1.0.0', this.at('current'));
    owner(this.at('current'));
    for (const name of ['file', 'former', 'folder/2.0.0/VERSION', 'folder/1.0.0/VERSION', 'folder/0.9.0/VERSION'])
      write(join(this.outside, name), `${secret}\n4711\n`);
    chmodSync(join(this.outside, 'file'), 0o600);
    this.bring();
  }

  /** Brings the package as a fetch does. */
  bring(): void {
    mkdirSync(join(this.steps, 't7'), { recursive: true });
    execFileSync('cp', [tar, join(this.steps, 't7', packageName)]);
  }

  run(script: string, more: Record<string, string> = {}) {
    const env = {
      PATH: process.env.PATH,
      SLIPWAY_HOST_ROOT: this.root,
      SLIPWAY_STEPS_DIR: this.steps,
      SLIPWAY_TASK: '7',
      SLIPWAY_VERSION: '2.0.0',
      SLIPWAY_PREVIOUS_VERSION: '1.0.0',
      SLIPWAY_DROPPED: '0.9.0',
      SLIPWAY_PACKAGE: packageName,
      SLIPWAY_RUN_USER: user,
      SLIPWAY_NEVER_ROOT: isRoot ? 'yes' : '',
      SLIPWAY_DEPLOY_PATH: this.at(''),
      SLIPWAY_PID_FILE: this.at('run.pid'),
      SLIPWAY_SECONDS: '0',
      SLIPWAY_ROOTS: join(this.root, 'srv'),
      SLIPWAY_PID_ROOTS: join(this.root, 'srv'),
    };
    const ran = spawnSync('bash', ['-c', script], {
      env: { ...env, ...more },
      encoding: 'utf8',
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status: ran.status, said: `${ran.stdout}${ran.stderr}`, stderr: ran.stderr };
  }
}
