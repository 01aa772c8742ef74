// Compares the state after a run with what the hosts themselves recorded: a ledger line for every effect, and a copy of
// every line that was printed.
import { existsSync, readFileSync } from 'node:fs';
import type { ProcessEstate } from '../test/support/deploy/processes.ts';
import type { FollowingClient } from '../test/support/deploy/follower.ts';
import { ledgerOf, saidOf } from './scenario.ts';
import type { Application } from './scenario.ts';

interface Counts {
  effectsLost: number;
  effectsDoubled: number;
  linesLost: number;
  linesRepeated: number;
  /** Lines that live followers received and that differ from the stored ones. */
  liveDiffering: number;
  /** Runs that were not final in time, or did not finish. */
  notFinished: number;
}

export const nothing = (): Counts => ({
  effectsLost: 0,
  effectsDoubled: 0,
  linesLost: 0,
  linesRepeated: 0,
  liveDiffering: 0,
  notFinished: 0,
});

/** How many of `expected` are missing in `found`, and how many are surplus. */
function difference(expected: readonly string[], found: readonly string[]): { lost: number; more: number } {
  const left = new Map<string, number>();
  for (const one of found) left.set(one, (left.get(one) ?? 0) + 1);
  let lost = 0;
  for (const one of expected) {
    const count = left.get(one) ?? 0;
    if (count === 0) lost += 1;
    else left.set(one, count - 1);
  }
  return { lost, more: [...left.values()].reduce((sum, count) => sum + count, 0) };
}

const linesOf = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);

interface Expected {
  application: Application;
  subTask: number;
  effects(hostname: string, index: number): string[];
}

/** Counts one run. */
export async function count(
  site: ProcessEstate,
  { application, subTask, effects }: Expected,
  watcher: FollowingClient,
): Promise<Counts> {
  const counts = nothing();
  const rows = await site.db
    .selectFrom('taskOutput')
    .select(['seq', 'host', 'step', 'stream', 'text'])
    .where('taskId', '=', subTask)
    .orderBy('seq')
    .execute();
  application.estate.hostnames.forEach((hostname, index) => {
    const path = application.deployPath(hostname);
    const effect = difference(effects(hostname, index), linesOf(ledgerOf(path)));
    counts.effectsLost += effect.lost;
    counts.effectsDoubled += effect.more;
    const stored = rows.filter(
      ({ host, step, stream }) => host === hostname && step === 'pre_exec' && stream === 'stdout',
    );
    const texts = stored.map(({ text }) => text);
    const said = linesOf(saidOf(path));
    const line = difference(said, texts);
    counts.linesLost += line.lost;
    counts.linesRepeated += line.more;
    if (line.lost + line.more === 0 && texts.join('\n') !== said.join('\n')) counts.linesLost += 1;
  });
  // Numbers have no gaps, and followers have received exactly the stored lines, in order.
  counts.linesLost += rows.filter(({ seq }, index) => seq !== index + 1).length;
  const shown = (list: readonly { seq: number; text: string }[]): string[] =>
    list.map(({ seq, text }) => `${seq} ${text}`);
  if (shown(watcher.lines).join('\n') !== shown(rows).join('\n')) counts.liveDiffering += 1;
  return counts;
}
