// A mutation carried out by the workflow engine: the workflow's own activity writes its row and audit records, so the API
// has no transaction. A repeated request gets the stored response; if that was lost, the command runs again under the same
// `operationId`, which the engine deduplicates.
import type { z } from 'zod';
import { claimCommand, holdingCommand, releaseCommand } from '../../db/coordination/idempotency.ts';
import { isUnavailable } from '../../db/core/sql-state.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Ctx } from './context.ts';
import { operation } from './endpoint.ts';
import type { Answer, Call, Declaration, Endpoint, Input, NoQuery, PathIds } from './endpoint.ts';
import { keep, repeated } from './idempotent-replay.ts';
import type { StoredResponse } from './stored-response.ts';

/** A mutation through the engine. */
export function command<
  const Path extends string,
  R extends z.ZodType,
  P extends z.ZodObject = PathIds<Path>,
  Q extends z.ZodObject = NoQuery,
  B extends z.ZodType = z.ZodUndefined,
  A = unknown,
>(
  declaration: Declaration<Path, P, Q, B, R, A> & {
    handle(input: Input<P, Q, B>, ctx: Ctx<A>): Promise<Answer<R>> | Answer<R>;
  },
): Endpoint {
  const secret = declaration.secretAnswer ?? false;
  return operation(declaration, {
    idempotent: true,
    run: (call) => once(call, secret, () => declaration.handle(call.input as Input<P, Q, B>, call.ctx as Ctx<A>)),
  });
}

async function once({ ctx, finish, key }: Call, secret: boolean, handle: () => unknown): Promise<StoredResponse> {
  const work = async (): Promise<StoredResponse> => finish(await decided(handle));
  if (!key) return work();
  const kept = await claimCommand(ctx.db, key);
  if (kept) return repeated(ctx, key, kept);
  let outcome: StoredResponse;
  try {
    outcome = await holdingCommand(ctx.db, key, work);
  } catch (error) {
    await releaseCommand(ctx.db, key).catch((failure: unknown) => {
      ctx.log.warn({ err: failure }, 'the Idempotency-Key of a failed command could not be given back');
    });
    throw error;
  }
  // The command is done even if its response cannot be stored; a repeated request is then the same update to the engine.
  await keep(ctx.db, ctx, key, outcome, secret).catch((failure: unknown) => {
    ctx.log.warn({ err: failure }, 'the answer of a command could not be kept for its repetitions');
  });
  return outcome;
}

/** If the database fails meanwhile, the engine may already have been called. */
async function decided(handle: () => unknown): Promise<unknown> {
  try {
    return await handle();
  } catch (error) {
    throw isUnavailable(error) ? new Problem('outcome_unknown', { dependency: 'the database' }) : error;
  }
}
