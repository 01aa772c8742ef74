// 100,000 applications on 20 levels: the list with each filter, response persons and children, as an administrator and as a
// user with grants on 200 of them, against a minimal server that returns the same rows and counts. Repeated on ten levels,
// the API's maximum, to isolate the cost of depth.
import { freePort } from '../embedded/ports.ts';
import { compare } from './harness.ts';
import { until } from './until.ts';
import type { Benchmark, BenchContext, Row } from './harness.ts';
import { get, visit } from './http.ts';
import { seedTree } from './tree-seed.ts';
import type { SeededTree } from './tree-seed.ts';

interface ApplicationTree {
  url: string;
  bareUrl: string;
  tree: SeededTree;
  stop(): Promise<unknown>;
}

const paths = ({ parent }: SeededTree): Record<string, string> => ({
  all: '/applications/',
  name: '/applications/?name=web-42',
  full_path: '/applications/?full_path=orders-900',
  response_persons: '/applications/?response_persons=7,8,9',
  'has_parent=1': '/applications/?has_parent=1',
  'has_parent=0': '/applications/?has_parent=0',
  user: '/applications/?user=user-7',
  role: '/applications/?role=role-3',
  production: '/applications/?production=7',
  parent_app: `/applications/?parent_app=${parent}`,
  application_type: '/applications/?application_type=java',
  children: `/applications/${parent}/child-apps/`,
  'response persons': `/applications/${parent}/response-person/`,
});
const deepest = ['all', 'full_path'];

async function plant({ stack, quick, say }: BenchContext, levels: number): Promise<ApplicationTree> {
  const count = quick ? 20_000 : 100_000;
  say(`seeding ${count} applications on ${levels} levels`);
  const name = `bench_tree_${levels}`;
  const databaseUrl = await stack.database(name);
  const tree = await seedTree(databaseUrl, count, levels);
  const port = await freePort();
  const bareUrl = `http://127.0.0.1:${port}`;
  const bare = stack.run('bench/raw-tree.ts', {}, [String(port), databaseUrl]);
  const api = await stack.api(databaseUrl, name);
  await until(async () => (await get(bareUrl)).status === 200);
  return { url: api.url, bareUrl, tree, stop: () => Promise.all([api.stop(), bare.stop()]) };
}

/** Both sides must find the same number, or the ratio is meaningless. */
async function countsAgree(bare: string, ours: string, token: string): Promise<void> {
  const [one, two] = await Promise.all([get(bare), get(ours, token)]);
  const [base, own] = [one, two].map(({ text }) => JSON.parse(text) as { count: number; count_is_estimate?: true });
  if (base === undefined || own === undefined) throw new Error(`${ours} was not answered`);
  // Beyond the cap our count is an estimate.
  if (own.count_is_estimate ? base.count <= 1_000 : own.count !== base.count)
    throw new Error(`${ours} counts ${own.count}, the bare server ${base.count}`);
}

async function measure(forest: ApplicationTree, who: 'admin' | 'limited', path: string, quick: boolean) {
  const { id, token } = forest.tree[who];
  const as = who === 'admin' ? '' : `${path.includes('?') ? '&' : '?'}as=${id}`;
  const [bare, ours] = [`${forest.bareUrl}${path}${as}`, `${forest.url}${path}`];
  await countsAgree(bare, ours, token);
  return compare(
    () => visit(bare),
    () => visit(ours, token),
    // The same warm-up as for the other lists; cold-start measures a new process.
    { rounds: quick ? 1 : 3, calls: 20, warmUp: 100 },
  );
}

async function rowsOf(context: BenchContext, levels: number, only?: readonly string[]): Promise<Row[]> {
  const forest = await plant(context, levels);
  const rows: Row[] = [];
  try {
    for (const who of ['admin', 'limited'] as const)
      for (const [name, path] of Object.entries(paths(forest.tree)))
        if (only?.includes(name) ?? true)
          rows.push({
            name: `tree of ${levels} levels, ${who}: ${name}`,
            unit: 'ms',
            aim: 2,
            noise: null,
            ...(await measure(forest, who, path, context.quick)),
          });
  } finally {
    await forest.stop();
  }
  return rows;
}

export const tree: Benchmark = async (context) => [
  ...(await rowsOf(context, 20)),
  ...(await rowsOf(context, 10, deepest)),
];
