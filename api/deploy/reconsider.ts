// Signals waiting deploy tasks to re-evaluate, right after the commit or through the relay. They read the current state from
// the database, so a duplicate or late signal is harmless.
import { waitingTasks, announce } from '../../db/deploy/waiting-tasks.ts';
import type { ChangeReach } from '../../db/deploy/waiting-tasks.ts';
import { acknowledge } from '../../db/coordination/outbox.ts';
import type { OutboxHandler } from '../../db/coordination/outbox-relay.ts';
import { deployTaskWorkflowId, reconsiderSignal } from '../../workflows/deploy/contract.ts';
import type { AppDeps, ChangeCtx } from '../operations/context.ts';

type Told = Pick<AppDeps, 'db' | 'engine'>;

async function tell({ db, engine }: Told, reach: ChangeReach): Promise<void> {
  for (const id of await waitingTasks(db, reach)) await engine.signal(deployTaskWorkflowId(id), reconsiderSignal);
}

/** Makes the waiting tasks in reach re-evaluate once the change is committed. */
export async function reconsider(ctx: ChangeCtx, { applicationId, productionId }: ChangeReach): Promise<void> {
  const reach = { applicationId, productionId };
  const outboxId = await announce(ctx.tx, reach, { byCaller: true });
  ctx.afterCommit(async () => {
    await tell(ctx, reach);
    await acknowledge(ctx.db, [outboxId]);
  });
}

/** The relay's handler for unacknowledged signals. */
export const reconsiderHandler =
  (deps: Told): OutboxHandler =>
  (payload) =>
    tell(deps, payload as unknown as ChangeReach);
