// A change in PostgreSQL is one transaction: the claim of its Idempotency-Key, the change, its audit records and the stored
// response. A repeated request thus finds all of it or nothing, and no change lacks its record.
import type { z } from 'zod';
import { record, type AuditEntry } from '../../db/audit/record.ts';
import { claimInChange } from '../../db/coordination/idempotency.ts';
import { inTransaction } from '../../db/core/transaction.ts';
import type { ChangeCtx, Ctx } from './context.ts';
import { operation } from './endpoint.ts';
import type { Answer, Call, Declaration, Endpoint, Input, NoQuery, PathIds } from './endpoint.ts';
import { keep, repeated } from './idempotent-replay.ts';
import type { StoredResponse } from './stored-response.ts';

/**
 * A mutation in PostgreSQL. Its handler uses `ctx.tx` alone; problems and errors roll everything back. Work that must not
 * hold a transaction open, or must outlive it (hashing, counted attempts), belongs in `prepare`, which runs before it.
 */
export function change<
  const Path extends string,
  R extends z.ZodType,
  P extends z.ZodObject = PathIds<Path>,
  Q extends z.ZodObject = NoQuery,
  B extends z.ZodType = z.ZodUndefined,
  Prepared = undefined,
  A = unknown,
>(
  declaration: Declaration<Path, P, Q, B, R, A> & {
    prepare?(input: Input<P, Q, B>, ctx: Ctx<A>): Promise<Prepared>;
    handle(input: Input<P, Q, B>, ctx: ChangeCtx<A>, prepared: Prepared): Promise<Answer<R>> | Answer<R>;
  },
): Endpoint {
  const secret = declaration.secretAnswer ?? false;
  const run = async (call: Call): Promise<StoredResponse> => {
    const input = call.input as Input<P, Q, B>;
    const prepared = (await declaration.prepare?.(input, call.ctx as Ctx<A>)) as Prepared;
    return once(call, secret, (ctx) => declaration.handle(input, ctx as ChangeCtx<A>, prepared));
  };
  return operation(declaration, { idempotent: true, run });
}

function once({ ctx, finish, key }: Call, secret: boolean, work: (ctx: ChangeCtx) => unknown): Promise<StoredResponse> {
  return transact(ctx, async (within) => {
    const { tx } = within;
    const kept = key && (await claimInChange(tx, key));
    if (kept) return repeated(ctx, key, kept);
    const made = finish(await work(within));
    if (key) await keep(tx, ctx, key, made, secret);
    return made;
  });
}

/** Runs one transaction with its audit records, then the hooks that `work` registered for after the commit. */
export async function transact<T>(ctx: Ctx, work: (ctx: ChangeCtx) => Promise<T>): Promise<T> {
  const later: (() => Promise<void>)[] = [];
  const result = await inTransaction(ctx.db, async (tx) => {
    const entries: AuditEntry[] = [];
    const audit = (...more: AuditEntry[]): void => void entries.push(...more);
    const made = await work({ ...ctx, tx, audit, afterCommit: (one) => void later.push(one) });
    await record(tx, ctx.by, entries);
    return made;
  });
  for (const one of later) await hasten(ctx, one);
  return result;
}

async function hasten(ctx: Ctx, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    ctx.log.warn({ err: error }, 'work after a commit failed; what has to happen is in the outbox');
  }
}
