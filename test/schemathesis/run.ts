// `npm run test:schema`: a property-based test of the whole OpenAPI document against a server with an empty data folder, by
// three roles, with every check on. Whatever the document does not say of an answer fails: statuses, headers, schemas.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSlipway } from '../../embedded/start.ts';
import { freePort } from '../../embedded/ports.ts';
import { parseConfig } from '../../kit/config/config.ts';
import { createLogger } from '../../kit/log.ts';
import { makeRoles, type Role } from './roles.ts';

const here = import.meta.dirname;
const cache = join(here, '../../dist/schemathesis');
const bin = (name: string): string => join(cache, 'venv/bin', name);

const env = { ...process.env, SCHEMATHESIS_HOOKS: join(here, 'hooks.py'), PYTHONDONTWRITEBYTECODE: '1' };

/** Runs a program to its end; returns its status. */
function run(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', cwd: cache, env });
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
}

async function install(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  if (!existsSync(bin('python')) && (await run('python3', ['-m', 'venv', join(cache, 'venv')])) !== 0)
    throw new Error('python3 -m venv failed');
  const packages = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  if ((await run(bin('python'), [...packages, '-r', join(here, 'requirements.txt')])) !== 0)
    throw new Error('pip could not install schemathesis');
}

const option = (name: string, values: readonly (string | number)[] = []): string[] =>
  values.flatMap((value) => [name, String(value)]);

/** Tests the operations as one role; true if there were no findings. */
async function check(url: string, role: Role): Promise<boolean> {
  const report = join(cache, `${role.name}.json`);
  rmSync(report, { force: true });
  process.stdout.write(`\n== ${role.name} ==\n`);
  const status = await run(bin('schemathesis'), [
    '--config-file',
    join(here, 'schemathesis.toml'),
    'run',
    `${url}/openapi.json`,
    '--warnings',
    'off',
    '--report',
    'json',
    '--report-json-path',
    report,
    '--max-examples',
    String(role.examples),
    '--phases',
    role.phases,
    ...option('--include-operation-id', role.only),
    ...option('--exclude-operation-id', role.without),
    ...(role.token === undefined ? [] : ['--header', `Authorization: Token ${role.token}`]),
  ]);
  process.stdout.write(`${role.name}: ${summary(report)}\n`);
  return status === 0 && (await mayStillCall(url, role));
}

/** A caller that lost its token was refused from then on, so its later requests tested little. */
async function mayStillCall(url: string, { name, token, only }: Role): Promise<boolean> {
  if (token === undefined || only) return true;
  const { status } = await fetch(`${url}/auth/me/`, { headers: { authorization: `Token ${token}` } });
  if (status !== 200) process.stdout.write(`${name} was put out on the way\n`);
  return status === 200;
}

interface Report {
  operations: { tested: number };
  test_cases: { generated: number; unique_failures: number };
  running_time: number;
}

function summary(report: string): string {
  if (!existsSync(report)) return 'no report';
  const { operations, test_cases: cases, running_time: seconds } = JSON.parse(readFileSync(report, 'utf8')) as Report;
  return (
    `${operations.tested} operations, ${cases.generated} requests, ${cases.unique_failures} findings, ` +
    `${Math.round(seconds)} s`
  );
}

async function main(): Promise<boolean> {
  await install();
  const dataDir = mkdtempSync(join(tmpdir(), 'slipway-schema-'));
  const config = parseConfig({ SLIPWAY_DATA_DIR: dataDir, SLIPWAY_PORT: String(await freePort()) });
  const log = createLogger({ logLevel: 'error' }, 'server');
  const slipway = await startSlipway(config, log);
  try {
    const wanted = process.argv.slice(2);
    let clean = true;
    for (const role of await makeRoles(slipway.databaseUrl))
      if (wanted.length === 0 || wanted.includes(role.name)) clean = (await check(slipway.url, role)) && clean;
    return clean;
  } finally {
    await slipway.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

main().then(
  (clean) => process.exit(clean ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
