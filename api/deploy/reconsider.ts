// News for deploy tasks that wait: they are told to look again, at once after the commit or by the relay. What they find
// then is in the database, so news that comes twice, or late, does no harm.
import { waitingTasks, announce } from '../../db/deploy/waiting-tasks.ts';
import type { Reach } from '../../db/deploy/waiting-tasks.ts';
import { acknowledge } from '../../db/coordination/outbox.ts';
import type { OutboxHandler } from '../../db/coordination/outbox-relay.ts';
import { deployTaskWorkflowId, reconsiderSignal } from '../../workflows/deploy/contract.ts';
import type { AppDeps, ChangeCtx } from '../operations/context.ts';

type Told = Pick<AppDeps, 'db' | 'engine'>;

async function tell({ db, engine }: Told, reach: Reach): Promise<void> {
  for (const id of await waitingTasks(db, reach)) await engine.signal(deployTaskWorkflowId(id), reconsiderSignal);
}

/** Has the waiting tasks in reach look again once the change is committed. */
export async function reconsider(ctx: ChangeCtx, { applicationId, productionId }: Reach): Promise<void> {
  const reach = { applicationId, productionId };
  const outboxId = await announce(ctx.tx, reach, { byCaller: true });
  ctx.afterCommit(async () => {
    await tell(ctx, reach);
    await acknowledge(ctx.db, [outboxId]);
  });
}

/** What the relay does with news that nobody has acknowledged. */
export const reconsiderHandler =
  (deps: Told): OutboxHandler =>
  (payload) =>
    tell(deps, payload as unknown as Reach);
