// The main program of chaos runs: one run per seed on the same servers, the losses of each, and a report in dist/. Exits
// with 1 after any loss, and stops what it started when interrupted.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { schedule } from './killer.ts';
import type { Kill, Killable, RunningProcesses } from './killer.ts';
import { Random } from './random.ts';
import type { Scenario, Victim } from './scenario.ts';

/** The count of each kind of loss. */
type Faults = Record<string, number>;

export interface Outcome {
  faults: Faults;
  /** Findings for a person to look at. */
  trouble?: string | null;
}

interface Target extends Killable, Pick<Scenario, 'victims' | 'spanMs'> {
  /** The name in the report. */
  name: string;
  run(running: RunningProcesses, kills: readonly Kill[]): Promise<Outcome>;
  close(): Promise<void>;
}

interface Wish {
  runs: number;
  seed: number;
  hosts: number;
  salt: boolean;
}

const words = (kills: readonly Kill[]): string => kills.map(({ victim, at }) => `${victim} at ${at} ms`).join(', ');

function wishOf(defaults: Pick<Wish, 'runs' | 'hosts'>): Wish {
  const text = { type: 'string' as const };
  const options = { runs: text, seed: text, hosts: text, salt: { type: 'boolean' as const } };
  const { runs, seed, hosts, salt = false } = parseArgs({ options }).values;
  const whole = (name: string, given: string | undefined, fallback: number): number => {
    if (given === undefined) return fallback;
    if (!/^[1-9]\d{0,8}$/.test(given)) throw new Error(`--${name} must be a whole number from 1`);
    return Number(given);
  };
  return {
    runs: whole('runs', runs, defaults.runs),
    seed: whole('seed', seed, 1),
    hosts: whole('hosts', hosts, defaults.hosts),
    salt,
  };
}

async function runSeeds(target: Target, { runs, seed }: Wish) {
  const faults: Faults = {};
  const killed: Partial<Record<Victim, number>> = {};
  const troubles: string[] = [];
  const [worker, api] = await Promise.all([target.site.start('worker'), target.site.start('api')]);
  const running = { worker, api };
  for (let one = seed; one < seed + runs; one += 1) {
    const begun = performance.now();
    const kills = schedule(new Random(one), target);
    for (const { victim } of kills) killed[victim] = (killed[victim] ?? 0) + 1;
    const outcome = await target.run(running, kills);
    for (const [name, count] of Object.entries(outcome.faults)) faults[name] = (faults[name] ?? 0) + count;
    const isBad = Object.values(outcome.faults).some((count) => count > 0);
    const seconds = Math.round((performance.now() - begun) / 1000);
    const said = `seed ${one}: ${words(kills)}: ${isBad ? JSON.stringify(outcome.faults) : 'nothing lost'}, ${seconds} s`;
    process.stderr.write(`${said}${outcome.trouble ? ` (${outcome.trouble})` : ''}\n`);
    if (isBad) troubles.push(said);
  }
  return { killed, ...faults, troubles };
}

async function main(report: string, wish: Wish, begin: (wish: Wish) => Promise<Target>): Promise<boolean> {
  const begun = performance.now();
  const target = await begin(wish);
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void target.close().finally(() => process.exit(130)));
  const found = await runSeeds(target, wish).finally(() => target.close());
  const { runs, seed } = wish;
  const seconds = Math.round((performance.now() - begun) / 1000);
  const text = JSON.stringify({ time: new Date(), on: target.name, runs, seed, seconds, ...found }, null, 2);
  const folder = join(import.meta.dirname, '../dist');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, report), `${text}\n`);
  process.stdout.write(`${text}\n${seconds} s on ${cpus().length} cores\n`);
  return found.troubles.length === 0;
}

/** Runs the main program; `report` is a file in dist/. */
export async function killAll(
  report: string,
  defaults: Pick<Wish, 'runs' | 'hosts'>,
  begin: (wish: Wish) => Promise<Target>,
): Promise<never> {
  try {
    process.exit((await main(report, wishOf(defaults), begin)) ? 0 : 1);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  }
}
