import { Context } from '@temporalio/activity';
import { settleHostTask, settleInit } from '../db/hosts.ts';
import { problems } from '../workflows/problem.ts';
import type { HostOutcome } from '../workflows/hosts/contract.ts';
import type { HostHands } from '../workflows/hosts/ports.ts';
import { runnerHost } from './deps.ts';
import type { ActivityDeps } from './deps.ts';
import { ProviderError } from './providers/error.ts';
import { runnerOf } from './providers/runner/registry.ts';

/** Attempts at a host that does not answer before its initialisation is given up. */
const patience = 5;

/** What host tasks do. */
export function createHostActivities({ db, runners }: ActivityDeps): HostHands {
  const prepare = async (hostId: number): Promise<void> => {
    const row = await db
      .selectFrom('hosts')
      .select(['name', 'runner', 'minionId', 'ipAddress'])
      .where('id', '=', hostId)
      .executeTakeFirstOrThrow();
    const host = runnerHost(row);
    const runner = runnerOf(runners, host);
    await runner.prepare(host);
    await runner.ping(host);
  };

  return {
    async initHost({ taskId, position, hostId }) {
      let outcome: HostOutcome = { status: 'finished', errorCode: null, message: null };
      try {
        await prepare(hostId);
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        if (error.kind === 'unavailable' && Context.current().info.attempt < patience) throw error;
        outcome = { status: 'failed', errorCode: problems.salt_failed.code, message: error.message };
      }
      await settleInit(db, { taskId, position, outcome });
      return outcome;
    },

    settleHostTask: ({ taskId, error }) => settleHostTask(db, taskId, error),
  };
}
