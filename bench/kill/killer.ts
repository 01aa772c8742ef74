// Kills processes of Slipway and its servers without a warning, at moments of the run's seed, and starts them again:
// worker and API here, database and engine by what supervises them.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { ended } from '../../test/deploy/processes.ts';
import type { Estate } from '../../test/deploy/processes.ts';
import { until } from '../harness.ts';
import type { Random } from './random.ts';

export const victims = ['worker', 'api', 'temporal', 'postgres'] as const;
export type Victim = (typeof victims)[number];

export interface Kill {
  victim: Victim;
  /** Milliseconds from the beginning of the run. */
  at: number;
  /** Milliseconds until worker or API are started again. */
  goneFor: number;
}

/** Within this time of its beginning a run is killed at. */
const spanMs = 6_000;
const longestGoneMs = 2_000;
const backMs = 60_000;

/** One to three kills, in their order. */
export function schedule(random: Random): Kill[] {
  const kills = Array.from({ length: random.between(1, 3) }, () => ({
    victim: random.pick(victims),
    at: random.between(0, spanMs),
    goneFor: random.between(0, longestGoneMs),
  }));
  return kills.sort((a, b) => a.at - b.at);
}

export type Running = Record<'worker' | 'api', ChildProcess>;

/** Carries out a schedule; resolves when everything that was killed works again. */
export async function carryOut(site: Estate, running: Running, kills: readonly Kill[]): Promise<void> {
  const begun = performance.now();
  const back: Promise<void>[] = [];
  for (const kill of kills) {
    await sleep(Math.max(0, kill.at - (performance.now() - begun)));
    // The same one again must be there first.
    if (back.length > 0 && (kill.victim === 'worker' || kill.victim === 'api')) await Promise.all(back);
    const one = killOne(site, running, kill);
    one.catch(() => undefined);
    back.push(one);
  }
  await Promise.all(back);
}

async function killOne(site: Estate, running: Running, { victim, goneFor }: Kill): Promise<void> {
  if (victim === 'worker' || victim === 'api') {
    await ended(running[victim], 'SIGKILL');
    await sleep(goneFor);
    running[victim] = await site.start(victim);
    return;
  }
  const pid = site.stack.pids[victim] ?? 0;
  if (pid > 0) process.kill(pid, 'SIGKILL');
  await until(async () => {
    if (site.stack.pids[victim] === pid) return false;
    if (victim === 'postgres') await sql`select 1`.execute(site.db);
    return true;
  }, backMs);
}
