// Who may import whom: the table of the house as data. ESLint has the same rules on the text of imports; here they are
// applied to resolved paths, so that neither an odd spelling nor a dynamic import gets around them.
import type { Import, Room, SourceFile } from './source-tree.ts';

/** What of workflows/ others may know: as values, or as types only. */
interface EngineRule {
  values: RegExp;
  types: RegExp;
}

interface RoomRule {
  /** Rooms, or a part of one. */
  rooms: readonly (Room | 'kit/messages')[];
  engine: EngineRule | 'all' | 'none';
  /** Packages and `node:`; undefined allows any. */
  packages?: (file: SourceFile, one: Import) => boolean;
}

const shared = (...names: string[]): RegExp => new RegExp(`^workflows/(?:.*/)?(?:${names.join('|')})\\.ts$`);
const anything = /^workflows\//;

const listed =
  (names: readonly string[]) =>
  (_file: SourceFile, { target, typeOnly }: Import): boolean =>
    typeOnly || target.startsWith('node:') || names.some((name) => target === name || target.startsWith(`${name}/`));

const activityPackages = listed(['@temporalio/activity', '@temporalio/common']);
const workerPackages = listed(['@temporalio/worker', '@temporalio/interceptors-opentelemetry']);
const workerFiles = ['activities/worker.ts', 'activities/bundle.ts'];
const apiPackages = [
  'hono',
  '@hono/node-server',
  '@hono/zod-openapi',
  'zod',
  '@temporalio/client',
  '@temporalio/common',
  'ws',
  'prom-client',
  'swagger-ui-dist',
  'nodemailer',
  'otpauth',
  '@opentelemetry/api',
  '@temporalio/interceptors-opentelemetry',
];

const rules: Record<Room, RoomRule> = {
  workflows: {
    rooms: ['workflows', 'kit/messages'],
    engine: 'all',
    packages: (_file, { target }) => ['@temporalio/workflow', '@temporalio/common'].includes(target),
  },
  db: {
    rooms: ['db', 'kit'],
    engine: { values: shared('contract', 'problem'), types: shared('contract', 'problem', 'policy', 'quorum') },
    packages: listed(['kysely', 'pg']),
  },
  activities: {
    rooms: ['activities', 'db', 'kit'],
    engine: {
      values: shared('contract', 'problem', 'policy', 'quorum', 'ports'),
      types: shared('contract', 'problem', 'policy', 'quorum', 'ports'),
    },
    packages: (file, one) =>
      file.path.startsWith('activities/providers/') ||
      (workerFiles.includes(file.path) && workerPackages(file, one)) ||
      activityPackages(file, one),
  },
  api: {
    rooms: ['api', 'db', 'kit'],
    engine: { values: shared('contract', 'problem', 'policy', 'quorum', 'search-attributes'), types: anything },
    packages: listed(apiPackages),
  },
  kit: { rooms: ['kit'], engine: 'none' },
  embedded: { rooms: ['embedded', 'activities', 'api', 'db', 'kit'], engine: { values: anything, types: anything } },
  bench: { rooms: ['bench', 'chaos', 'embedded', 'activities', 'api', 'db', 'kit', 'test'], engine: 'all' },
  chaos: { rooms: ['chaos', 'bench', 'embedded', 'activities', 'api', 'db', 'kit', 'test'], engine: 'all' },
  test: { rooms: ['test', 'bench', 'chaos', 'embedded', 'activities', 'api', 'db', 'kit'], engine: 'all' },
};

/** The imports of a file that its room does not allow. */
export function refusedImports(file: SourceFile): Import[] {
  return file.imports.filter((one) => !isAllowed(file, one));
}

function isAllowed(file: SourceFile, one: Import): boolean {
  const { rooms, engine, packages } = rules[file.room];
  if (!one.own) return packages?.(file, one) ?? true;
  if (one.target.startsWith('workflows/')) {
    if (engine === 'all' || engine === 'none') return engine === 'all';
    return (one.typeOnly ? engine.types : engine.values).test(one.target);
  }
  return rooms.some((room) => one.target.startsWith(`${room}/`));
}
