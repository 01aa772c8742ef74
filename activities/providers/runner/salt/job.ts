// One publish and its returns. The job's id is ours and known before anything is sent: when the answer to a publish is lost,
// the master is asked whether it has the job, and only if not it is sent again, under the same id, which a minion that had
// it drops. Returns are read from the master's job cache; the event bus may lose them.
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderError } from '../../error.ts';
import { isRecord } from './api.ts';
import type { SaltApi } from './api.ts';

export interface Call {
  fun: string;
  arg: readonly unknown[];
  kwarg: Readonly<Record<string, unknown>>;
}

/** How a minion's part ended; `stranger`: the master has no such minion; `silent`: it did not answer in time. */
export type Return = { kind: 'returned'; value: unknown } | { kind: 'stranger' } | { kind: 'silent' };

const firstLookMs = 80;
const longestLookMs = 500;

/** Twenty digits of the time, as Salt has it, and some more that make it ours alone. */
function newJid(): string {
  const now = new Date().toISOString().replace(/\D/g, '').padEnd(20, '0').slice(0, 20);
  return `${now}_${randomInt(2 ** 40)}`;
}

interface Known {
  minions: string[];
  returns: Record<string, unknown>;
}

async function lookUp(api: SaltApi, jid: string): Promise<Known | null> {
  const job = await api.ask({ client: 'runner', fun: 'jobs.list_job', jid });
  if (!isRecord(job) || !Array.isArray(job['Minions'])) return null;
  const returns: Record<string, unknown> = {};
  for (const [minion, result] of Object.entries(isRecord(job['Result']) ? job['Result'] : {})) {
    if (isRecord(result) && 'return' in result) returns[minion] = result['return'];
  }
  return { minions: job['Minions'].map(String), returns };
}

/** Sends the call; answers the minions that the master sent it to. */
async function publish(api: SaltApi, jid: string, minions: readonly string[], { fun, arg, kwarg }: Call) {
  const send = async (): Promise<string[]> => {
    const answer = await api.call({ client: 'local_async', tgt: minions, tgt_type: 'list', fun, arg, kwarg, jid });
    const sentTo = isRecord(answer) ? answer['minions'] : [];
    return Array.isArray(sentTo) ? sentTo.map(String) : [];
  };
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof ProviderError) || error.kind === 'refused') throw error;
    return (await lookUp(api, jid))?.minions ?? (await send());
  }
}

/** Publishes a call once and gives each return to `onReturn` when it is known, once for each minion. */
export async function runJob(
  api: SaltApi,
  { minions, call, patienceMs }: { minions: readonly string[]; call: Call; patienceMs: number },
  onReturn: (minion: string, result: Return) => void,
): Promise<void> {
  const jid = newJid();
  const known = new Set(await publish(api, jid, minions, call));
  const open = new Set(minions);
  const end = (minion: string, result: Return): void => {
    if (open.delete(minion)) onReturn(minion, result);
  };
  for (const minion of minions) if (!known.has(minion)) end(minion, { kind: 'stranger' });
  const deadline = Date.now() + patienceMs;
  for (let pause = firstLookMs; open.size > 0; pause = Math.min(pause * 1.5, longestLookMs)) {
    await sleep(pause);
    const isLate = Date.now() > deadline;
    const found = await lookUp(api, jid).catch((error: unknown) => {
      // The job goes on whether the master answers or not.
      if (isLate || !(error instanceof ProviderError) || error.kind === 'refused') throw error;
      return null;
    });
    for (const [minion, value] of Object.entries(found?.returns ?? {})) end(minion, { kind: 'returned', value });
    if (isLate) for (const minion of open) end(minion, { kind: 'silent' });
  }
}
