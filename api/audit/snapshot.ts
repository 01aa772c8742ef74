import { openSnapshot } from '../../db/core/snapshot.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from '../operations/context.ts';

const atOnceOfUser = 2;
// Exports must not take all connections of a process's pool.
const partOfPool = 0.6;
const retryAfterSeconds = 10;

/** A snapshot of the whole log, to be ended with `rollback`; throws `too_many_requests` if too many are open. */
export async function readLog({ db, actor, config }: Pick<Ctx, 'db' | 'actor' | 'config'>) {
  const snapshot = await openSnapshot(db, [
    { purpose: `audit log, read by ${actor.user.id}`, atOnce: atOnceOfUser },
    { purpose: 'audit log, read by all', atOnce: Math.max(1, Math.floor(config.databasePool * partOfPool)) },
  ]);
  if (!snapshot) throw new Problem('too_many_requests', { retry_after: retryAfterSeconds });
  return snapshot;
}
