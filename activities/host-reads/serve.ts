// The worker's side of host reads (db/host-reads/queue.ts): request/reply over a table. Claims requests, reads, and writes
// the response. Bypasses the engine because the caller waits only seconds, so a late response is worthless.
import type { Kysely } from 'kysely';
import type { Database } from '../../db/database.ts';
import { answerRead, claimReads, forgetReads, hostReadsChannel } from '../../db/host-reads/queue.ts';
import type { ClaimedRead } from '../../db/host-reads/queue.ts';
import { isAdmitted } from '../../db/hosts/ways.ts';
import type { HostAdmission } from '../../db/hosts/ways.ts';
import { createListener } from '../../db/coordination/listen.ts';
import { startLoop } from '../../db/core/polling-loop.ts';
import { withTimeout } from '../../kit/abort.ts';
import type { Logger } from '../../kit/log.ts';
import { Problem, toWire } from '../../workflows/problems/problem.ts';
import { runnerHost } from '../deps.ts';
import { readLog } from './read.ts';
import { ReaderGoneError } from './source.ts';
import { ProviderError } from '../providers/error.ts';
import { runnerOf } from '../providers/runner/registry.ts';
import type { Runners } from '../providers/runner/registry.ts';

const atOnce = 8;
const lookEveryMs = 1_000;

export interface HostReadsOptions {
  db: Kysely<Database>;
  databaseUrl: string;
  runners: Runners;
  hostAdmission: HostAdmission;
  log: Logger;
}

/** Serves reads until `stop`, which awaits those in progress. */
export function startHostReads(options: HostReadsOptions): { stop(): Promise<void> } {
  const { db, databaseUrl, log } = options;
  const listen = createListener(databaseUrl, log);
  const running = new Set<Promise<void>>();
  const begin = (read: ClaimedRead): void => {
    const work = answer(options, read)
      .catch((error: unknown) => log.error({ err: error }, 'a read on a host could not be answered'))
      .finally(() => {
        running.delete(work);
        loop.wake();
      });
    running.add(work);
  };
  const loop = startLoop({
    everyMs: lookEveryMs,
    log,
    failure: 'reads on hosts could not be looked for',
    round: async () => {
      if (running.size >= atOnce) return false;
      for (const read of await claimReads(db, atOnce - running.size)) begin(read);
      await forgetReads(db);
      return false;
    },
  });
  listen.on(hostReadsChannel, loop.wake);
  return {
    stop: async () => {
      await loop.stop();
      await Promise.all(running);
      await listen.close();
    },
  };
}

async function answer(options: HostReadsOptions, read: ClaimedRead): Promise<void> {
  // After the caller's deadline a hanging runner must not occupy a slot.
  const outcome = await withTimeout(outcomeOf(options, read), read.leftMs, () => undefined);
  if (outcome) await answerRead(options.db, read.id, outcome.answer, outcome.content);
}

type Outcome = { answer: Parameters<typeof answerRead>[2]; content: Buffer | null } | undefined;

async function outcomeOf({ db, runners, hostAdmission }: HostReadsOptions, read: ClaimedRead): Promise<Outcome> {
  const { hostId, request, leftMs } = read;
  const deadline = Date.now() + leftMs;
  try {
    const row = await db
      .selectFrom('hosts')
      .select(['name', 'runner', 'minionId', 'ipAddress', isAdmitted.as('isAdmitted')])
      .where('id', '=', hostId)
      .executeTakeFirstOrThrow();
    if (hostAdmission === 'manage' && !row.isAdmitted) throw new Problem('host_not_admitted', { name: row.name });
    const host = runnerHost(row);
    const { found, content } = await readLog(runnerOf(runners, host), host, request, deadline);
    return { answer: found, content };
  } catch (error) {
    if (error instanceof ReaderGoneError) return undefined;
    const problem = error instanceof ProviderError ? new Problem('log_unreadable', { reason: error.message }) : error;
    if (!(problem instanceof Problem)) throw error;
    return { answer: { refused: toWire(problem) }, content: null };
  }
}
