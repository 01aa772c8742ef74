import { enqueue } from '../../db/coordination/outbox.ts';
import type { OutboxHandler } from '../../db/coordination/outbox-relay.ts';
import type { ChangeCtx } from './context.ts';
import type { Engine, WorkflowStart } from '../engine/engine.ts';

export const startTopic = 'start_workflow';

/** Starts a workflow because of a change: at once after its commit, or by the relay when the engine is away. */
export async function launch(ctx: ChangeCtx, start: WorkflowStart): Promise<void> {
  const outboxId = await enqueue(ctx.tx, startTopic, { ...start }, { byCaller: true });
  ctx.afterCommit(() => ctx.engine.start(start, outboxId));
}

/** What the relay does with a start that nobody has acknowledged. */
export const startHandler =
  (engine: Engine): OutboxHandler =>
  (payload) =>
    engine.start(payload as unknown as WorkflowStart);
