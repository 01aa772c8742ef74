import { enqueue } from '../../db/coordination/outbox.ts';
import type { OutboxHandler } from '../../db/coordination/outbox-relay.ts';
import type { ChangeCtx } from './context.ts';
import type { Engine, WorkflowStart } from '../engine/engine.ts';

export const startTopic = 'start_workflow';

/** Starts a workflow for a change: right after its commit, or through the outbox relay if the engine is unavailable. */
export async function launch(ctx: ChangeCtx, start: WorkflowStart): Promise<void> {
  const outboxId = await enqueue(ctx.tx, startTopic, { ...start }, { byCaller: true });
  ctx.afterCommit(() => ctx.engine.start(start, outboxId));
}

/** The relay's handler for unacknowledged starts. */
export const startHandler =
  (engine: Engine): OutboxHandler =>
  (payload) =>
    engine.start(payload as unknown as WorkflowStart);
