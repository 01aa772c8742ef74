import { setTimeout as sleep } from 'node:timers/promises';
import { askToRead, takeAnswer, withdrawRead } from '../../db/host-reads/queue.ts';
import type { LogFound, LogRequest } from '../../db/host-reads/tables.ts';
import { fromWire, Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';

/** How long to wait for a host. */
const patienceMs = 10_000;

const firstPauseMs = 5;
const longestPauseMs = 100;

/** Has a worker read on a host; throws the worker's Problem, or `host_silent` after the timeout. */
export async function readOnHost(
  { db }: Pick<Ctx, 'db'>,
  host: { id: number; name: string },
  request: LogRequest,
): Promise<LogFound & { content: Buffer }> {
  const until = Date.now() + patienceMs;
  const id = await askToRead(db, host.id, request, patienceMs);
  // A poll is a keyed deletion that matches nothing; the response arrives within a few polls unless the host is slow.
  for (let pause = firstPauseMs; Date.now() < until; pause = Math.min(pause * 2, longestPauseMs)) {
    await sleep(pause);
    const taken = await takeAnswer(db, id);
    if (taken?.answer) return foundOf(taken.answer, taken.content);
  }
  await withdrawRead(db, id);
  throw new Problem('host_silent', { name: host.name, reason: `not within ${patienceMs / 1000} s` });
}

function foundOf(answer: LogFound | { refused: unknown }, content: Buffer | null): LogFound & { content: Buffer } {
  if (!('refused' in answer)) return { ...answer, content: content ?? Buffer.alloc(0) };
  throw fromWire(answer.refused) ?? new Error('a worker answered what is not known here');
}
