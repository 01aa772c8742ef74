// node bench/kill/run.ts [--runs 200] [--seed 1] [--hosts 10 | --salt]: deploys while worker, API, engine and database (with
// --salt also salt-api and a minion) are killed without a warning at moments of a seed. Whatever is lost, doubled, repeated or
// left unfinished is counted against what the hosts themselves have written; anything but nothing ends it with status 1, and
// names the seed that shows it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runOnce } from './deploy.ts';
import { add, nothing } from './evidence.ts';
import { schedule } from './killer.ts';
import type { Kill } from './killer.ts';
import { localScenario } from './local.ts';
import { Random } from './random.ts';
import { saltScenario } from './salt.ts';
import type { Victim } from './scenario.ts';

const words = (kills: readonly Kill[]): string => kills.map(({ victim, at }) => `${victim} at ${at} ms`).join(', ');

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number`);
  return Number(text);
}

async function main(): Promise<boolean> {
  const number = { type: 'string' as const };
  const { values } = parseArgs({ options: { runs: number, seed: number, hosts: number, salt: { type: 'boolean' } } });
  const runs = wholeNumber(values.runs ?? '200', 'runs');
  const seed = wholeNumber(values.seed ?? '1', 'seed');
  const hosts = wholeNumber(values.hosts ?? '10', 'hosts');
  const begun = performance.now();
  const scenario = await (values.salt ? saltScenario() : localScenario(hosts));
  const { site } = scenario;
  const total = nothing();
  const killed: Partial<Record<Victim, number>> = {};
  const troubles: string[] = [];
  try {
    const [worker, api] = await Promise.all([site.start('worker'), site.start('api')]);
    const running = { worker, api };
    for (let one = seed; one < seed + runs; one += 1) {
      const kills = schedule(new Random(one), scenario.victims);
      for (const { victim } of kills) killed[victim] = (killed[victim] ?? 0) + 1;
      const run = await runOnce(scenario, running, kills);
      add(total, run.counts);
      const bad = Object.values(run.counts).some((count) => count > 0);
      const said = `seed ${one}: ${words(kills)}: ${bad ? JSON.stringify(run.counts) : 'nothing lost'}, ${run.seconds} s`;
      process.stderr.write(`${said}${run.trouble === null ? '' : ` (${run.trouble})`}\n`);
      if (bad) troubles.push(said);
    }
  } finally {
    await scenario.close();
  }
  const seconds = Math.round((performance.now() - begun) / 1000);
  const on = values.salt ? 'salt' : `${hosts} local hosts`;
  const report = { time: new Date(), runs, seed, on, seconds, killed, ...total, troubles };
  const folder = join(import.meta.dirname, '../../dist');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kill.json'), `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n${seconds} s on ${cpus().length} cores\n`);
  return troubles.length === 0;
}

main().then(
  (good) => process.exit(good ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
