// What open requests ask for. The table's key lets one open request of a kind ask for a thing, whatever races.
import type { Transaction } from 'kysely';
import type { RequestKind } from '../../workflows/approvals/contract.ts';
import { Problem } from '../../workflows/problems/problem.ts';
import type { Database } from '../database.ts';

interface Claimant {
  kind: RequestKind;
  id: number;
}

/** Replaces what a request asks for; throws Problem when another open request asks for one of these things. */
export async function claimThings(
  tx: Transaction<Database>,
  request: Claimant,
  things: readonly string[],
  sees: (requestId: number) => Promise<boolean>,
): Promise<void> {
  await releaseThings(tx, request);
  const { kind, id: requestId } = request;
  const wanted = [...new Set(things)].sort().map((thing) => ({ kind, thing, requestId }));
  if (wanted.length === 0) return;
  const taken = await tx
    .insertInto('requestClaims')
    .values(wanted)
    .onConflict((conflict) => conflict.columns(['kind', 'thing']).doNothing())
    .returning('thing')
    .execute();
  if (taken.length === wanted.length) return;
  const what = wanted.find(({ thing }) => !taken.some((one) => one.thing === thing))?.thing ?? '';
  const other = await tx
    .selectFrom('requestClaims')
    .select('requestId')
    .where('kind', '=', kind)
    .where('thing', '=', what)
    .executeTakeFirst();
  if (other && (await sees(other.requestId))) throw new Problem('asked_already', { id: other.requestId, what });
  throw new Problem('asked_by_another', { what });
}

export async function releaseThings(tx: Transaction<Database>, { kind, id }: Claimant): Promise<void> {
  await tx.deleteFrom('requestClaims').where('kind', '=', kind).where('requestId', '=', id).execute();
}
