// Real servers for `npm run test:providers`, installed where they are missing: packages of Debian, and of PyPI in a
// virtual environment of their own. Needs root and Debian.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = '/var/cache/slipway-test';
const installPatience = 600_000;
/** One installation at a time on a machine, whoever asks. */
const locked = (command: string, args: readonly string[]) =>
  run('flock', [join(cache, 'lock'), command, ...args], {
    timeout: installPatience,
    maxBuffer: 64 * 2 ** 20,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });

/** Installs packages of Debian; `proof` is a file that is there once they are. Their services are not started. */
export async function debian(proof: string, ...packages: string[]): Promise<void> {
  if (existsSync(proof)) return;
  mkdirSync(cache, { recursive: true });
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await locked('apt-get', ['update', '-qq']);
    await locked('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...packages]);
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
  if (!existsSync(proof)) throw new Error(`${packages.join(' ')} did not bring ${proof}`);
}

/** A virtual environment with packages of PyPI; answers its folder of programs. */
export async function python(name: string, ...packages: string[]): Promise<string> {
  const folder = join(cache, name);
  const done = join(folder, 'installed');
  if (!existsSync(done)) {
    mkdirSync(cache, { recursive: true });
    const script = '[ -e "$1" ] || { python3 -m venv "$2" && shift 2 && "$0" -q install "$@"; }';
    await locked('sh', ['-c', script, join(folder, 'bin', 'pip'), done, folder, ...packages]);
    writeFileSync(done, '');
  }
  return join(folder, 'bin');
}
