// npm run bench [-- names… --quick]: runs every benchmark on its own stack and prints one table. Only ratios within one run
// are meaningful: absolute times depend on the machine and the moment.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { approve } from './approve.ts';
import { coldStart } from './cold-start.ts';
import { create } from './create.ts';
import type { Benchmark, Row } from './harness.ts';
import { hostList } from './host-list.ts';
import { hosts } from './hosts.ts';
import { keptOutput } from './kept-output.ts';
import { list } from './list.ts';
import { memory } from './memory.ts';
import { output } from './output.ts';
import { scale } from './scale.ts';
import { table } from './report.ts';
import { rolling } from './rolling.ts';
import { benchStack } from './stack.ts';
import { tree } from './tree.ts';
import { trivialBundle } from './trivial/worker.ts';

const benchmarks: Record<string, Benchmark> = {
  create,
  approve,
  list,
  scale,
  tree,
  hosts,
  rolling,
  'host-list': hostList,
  memory,
  output,
  'kept-output': keptOutput,
  'cold-start': coldStart,
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(benchmarks);
  const unknown = names.filter((name) => benchmarks[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`no benchmark ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}`);
  const begun = performance.now();
  await trivialBundle({ anew: true });
  const stack = await benchStack();
  const rows: Row[] = [];
  try {
    for (const name of names) rows.push(...((await benchmarks[name]?.({ stack, quick: values.quick, say })) ?? []));
  } catch (error) {
    say(stack.lastOutput());
    throw error;
  } finally {
    await stack.stop();
  }
  const seconds = Math.round((performance.now() - begun) / 1000);
  process.stdout.write(`${table(rows)}\n${seconds} s on ${cpus().length} cores${values.quick ? ', quick' : ''}\n`);
  const folder = join(import.meta.dirname, '../dist');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'bench.json'),
    `${JSON.stringify({ time: new Date(), seconds, quick: values.quick, rows }, null, 2)}\n`,
  );
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
