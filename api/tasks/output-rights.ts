// Rechecks the rights of connected output readers every few seconds and whenever a right, an account, a session or a token
// is revoked, with one query for all connections of this process.
import { startLoop, type Loop } from '../../db/core/polling-loop.ts';
import { lossesOf, rightsChannel, type Loss, type Reader } from '../../db/tasks/readers.ts';
import type { AppDeps } from '../operations/context.ts';
import type { Follower } from './output-follower.ts';

const everyMs = 3_000;
const notAuthorized = 4401;

const reasons: Record<Loss, string> = {
  account: 'the account is not enabled',
  session: 'the session has ended',
  token: 'the token has ended',
  right: 'the right to read this output is gone',
};

/** One connection. */
export interface Connected {
  reader: Reader;
  follower: Pick<Follower, 'end'>;
}

/** Closes connections of readers who have lost access, with 4401 and the reason. */
export function watchRights(
  { db, listen, log, now }: Pick<AppDeps, 'db' | 'listen' | 'log' | 'now'>,
  connected: () => Iterable<Connected>,
): Loop {
  const loop = startLoop({
    everyMs,
    log,
    failure: 'the rights of live readers could not be asked for; the next round tries again',
    round: async () => {
      const all = [...connected()];
      const losses = await lossesOf(
        db,
        all.map(({ reader }) => reader),
        now(),
      );
      for (const [index, { follower }] of all.entries()) {
        const loss = losses[index];
        if (loss) follower.end(notAuthorized, reasons[loss]);
      }
      return false;
    },
  });
  const off = listen.on(rightsChannel, () => loop.wake());
  return {
    wake: loop.wake,
    stop: () => {
      off();
      return loop.stop();
    },
  };
}
