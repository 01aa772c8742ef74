// Has `docker compose config` read docker-compose.yml, with every variable set that .env.example leaves to be filled in.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

/** The variables that .env.example asks for. */
export function askedVariables(): string[] {
  const text = readFileSync(join(root, '.env.example'), 'utf8');
  return [...text.matchAll(/^([A-Z_]+)=$/gm)].map(([, name = '']) => name);
}

if (import.meta.main) {
  const filled = Object.fromEntries(askedVariables().map((name) => [name, '/dev/null']));
  const { status } = spawnSync('docker', ['compose', '--file', 'docker-compose.yml', 'config', '--quiet'], {
    cwd: root,
    env: { ...process.env, ...filled },
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
