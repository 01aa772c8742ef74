// Kills processes of Slipway and its servers with SIGKILL at seeded moments and restarts them: worker and API from here,
// database and engine by their supervisor, the scenario's own servers by the scenario.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { sendSignal } from '../embedded/end-process.ts';
import { ended } from '../test/support/deploy/processes.ts';
import { until } from '../bench/until.ts';
import type { Random } from './random.ts';
import type { Scenario, Victim } from './scenario.ts';

export interface Kill {
  victim: Victim;
  /** Milliseconds from the start of the run. */
  at: number;
  /** Milliseconds until worker or API are restarted. */
  goneFor: number;
}

const longestGoneMs = 2_000;
const backMs = 60_000;

/** One to three kills of these within the span, in order. */
export function schedule(random: Random, { victims, spanMs }: Pick<Scenario, 'victims' | 'spanMs'>): Kill[] {
  const kills = Array.from({ length: random.between(1, 3) }, () => ({
    victim: random.pick(victims),
    at: random.between(0, spanMs),
    goneFor: random.between(0, longestGoneMs),
  }));
  return kills.sort((a, b) => a.at - b.at);
}

export type Killable = Pick<Scenario, 'site' | 'kill'>;

export type RunningProcesses = Record<'worker' | 'api', ChildProcess>;

/** Executes a schedule; resolves when everything that was killed works again. */
export async function carryOut(scenario: Killable, running: RunningProcesses, kills: readonly Kill[]): Promise<void> {
  const begun = performance.now();
  const back: Promise<void>[] = [];
  for (const kill of kills) {
    await sleep(Math.max(0, kill.at - (performance.now() - begun)));
    // The previous kill of the same victim must have been repaired first.
    if (back.length > 0 && !supervised(kill.victim)) await Promise.all(back);
    const one = killOne(scenario, running, kill);
    one.catch(() => undefined);
    back.push(one);
  }
  await Promise.all(back);
}

const supervised = (victim: Victim): victim is 'postgres' | 'temporal' =>
  victim === 'postgres' || victim === 'temporal';

async function killOne({ site, kill }: Killable, running: RunningProcesses, { victim, goneFor }: Kill): Promise<void> {
  if (victim === 'worker' || victim === 'api') {
    await ended(running[victim], 'SIGKILL');
    await sleep(goneFor);
    running[victim] = await site.start(victim);
    return;
  }
  if (!supervised(victim)) return kill(victim);
  const pid = site.stack.pids[victim] ?? 0;
  // The supervisor may not have detected the previous kill yet.
  if (pid > 0) sendSignal(pid, 'SIGKILL');
  await until(async () => {
    if (site.stack.pids[victim] === pid) return false;
    if (victim === 'postgres') await sql`select 1`.execute(site.db);
    return true;
  }, backMs);
}
