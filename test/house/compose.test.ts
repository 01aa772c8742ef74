// What stands in the files for production and can't be seen to work without a Docker engine, checked against the code.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { settings } from '../../kit/config/settings.ts';
import { searchAttributeNames } from '../../workflows/lib/search-attributes.ts';
import { closingLine } from './ci-summary.ts';
import { askedVariables } from './compose-config.ts';
import { root } from './source-tree.ts';

const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const compose = read('docker-compose.yml');
const example = read('.env.example');
const known = new Set(Object.values(settings).map(({ variable }) => variable));
const all = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, found = '']) => found);

describe('docker-compose.yml', () => {
  it('demands every secret and gives none a default', () => {
    const secret = /PASSWORD|SECRET|_KEY|CERTIFICATE/;
    const uses = [...compose.matchAll(/\$\{([A-Z_]+)(:[?-])?([^}]*)\}/g)].filter(([, name = '']) => secret.test(name));
    expect(uses.length).toBeGreaterThan(5);
    expect(uses.filter(([, , operator]) => operator !== ':?').map(([use]) => use)).toEqual([]);
    expect(all(compose, /(?:PASSWORD|PWD|SECRET)\w*: (?!\$\{)(.+)/g)).toEqual([]);
  });

  it('asks for exactly the variables that .env.example leaves to be filled in', () => {
    const demanded = new Set(all(compose, /\$\{([A-Z_]+):\?/g));
    expect([...demanded].sort()).toEqual(askedVariables().sort());
  });

  it('mentions every variable that it takes in .env.example', () => {
    const missing = all(compose, /\$\{([A-Z_]+)/g).filter((name) => !new RegExp(`^#?${name}=`, 'm').test(example));
    expect(missing).toEqual([]);
  });

  it('sets only settings that Slipway knows', () => {
    const ofPostgres = ['SLIPWAY_DATABASE_PASSWORD', 'SLIPWAY_OWNER_PASSWORD'];
    const set = all(compose, /^\s+(SLIPWAY_[A-Z_]+):/gm).filter((name) => !ofPostgres.includes(name));
    expect(set.filter((name) => !known.has(name))).toEqual([]);
  });

  it('pins every image to a version', () => {
    const images = all(compose, /^\s+image: (?!\$)(.+)$/gm);
    expect(images.length).toBeGreaterThan(4);
    expect(images.filter((image) => !/:\d+\.\d+(\.\d+)?(-\w+)?$/.test(image))).toEqual([]);
  });

  it('mounts only files that are there, and scripts that can be executed', () => {
    const mounted = all(compose, /\.\/(docker\/[^:]+):/g);
    expect(mounted.length).toBeGreaterThan(4);
    expect(mounted.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    const scripts = mounted.filter((path) => path.endsWith('.sh'));
    expect(scripts.filter((path) => (statSync(join(root, path)).mode & 0o111) === 0)).toEqual([]);
  });

  it('keeps data in the volume of PostgreSQL alone', () => {
    expect(all(compose, /^volumes:\n((?: {2}.*\n)+)/gm)).toEqual(['  postgres: {}\n']);
  });

  it('registers the search attributes that the workflows set', () => {
    expect(all(read('docker/temporal/namespace.sh'), /--name (\w+) --type Keyword/g)).toEqual(searchAttributeNames);
  });
});

describe('the proxy', () => {
  it('leads to the API alone, and not to its metrics', () => {
    const caddyfile = read('docker/proxy/Caddyfile');
    expect(new Set(all(caddyfile, /reverse_proxy (.+) \{/g))).toEqual(new Set(['api-1:8080 api-2:8080']));
    expect(all(caddyfile, /^\s+(respond \/metrics .+)$/gm)).toEqual(['respond /metrics 404']);
    const [worker = ''] = /^ {2}worker:\n(?: {4}.*\n)+/m.exec(compose) ?? [];
    expect(worker).toContain('SLIPWAY_WORKER_METRICS_PORT');
    expect(worker).toContain('networks: [data, outside]');
    expect(worker).not.toMatch(/^ {4}ports:/m);
  });
});

describe('.env.example', () => {
  it('names every setting, and no other SLIPWAY_ variable', () => {
    const named = new Set(all(example, /^#?([A-Z_]+)=/gm));
    expect([...known].filter((name) => !named.has(name))).toEqual([]);
    expect([...named].filter((name) => name.startsWith('SLIPWAY_') && !known.has(name))).toEqual([]);
  });
});

describe('the Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  it('runs the version of Node that package.json pins, as another user than root', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: { node: string } };
    expect(new Set(all(dockerfile, /^FROM node:([\d.]+)-/gm))).toEqual(new Set([dependencies.node]));
    expect(all(dockerfile, /^USER (.+)$/gm)).toEqual(['node']);
  });

  it('copies only what .dockerignore lets through', () => {
    const copied = all(dockerfile, /^COPY (?!--)(.+) \S+$/gm).flatMap((sources) => sources.split(' '));
    const allowed = new Set(all(read('.dockerignore'), /^!(.+)$/gm));
    expect(copied.filter((source) => !allowed.has(source))).toEqual([]);
  });
});

describe('the closing line of a run', () => {
  const run = { numPassedTests: 2, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, success: true };

  it('adds up all runs, and counts a test file that could not start as failed', () => {
    expect(closingLine([run, run])).toBe('4 passed, 0 failed');
    expect(closingLine([run, { ...run, numFailedTests: 1, numRuntimeErrorTestSuites: 1 }])).toBe('4 passed, 2 failed');
    expect(closingLine([run, { ...run, numPendingTests: 1, numTodoTests: 1 }])).toBe('4 passed, 0 failed, 2 skipped');
  });
});
