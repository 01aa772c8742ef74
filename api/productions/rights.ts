import { holds } from '../../db/access/rights.ts';
import type { ProductionRow } from '../../db/inventory/tables.ts';
import type { Asker } from '../../db/access/rights.ts';
import { findProduction } from '../../db/inventory/productions.ts';
import { detail, Problem } from '../../workflows/problems/problem.ts';
import type { ChangeCtx, Ctx } from '../operations/context.ts';
import { notAllowed, permission, requestedId } from '../operations/permissions.ts';

const systemOf = { edit: 'add_business', delete: 'delete_business' } as const;

/** The caller, for checks of productions. */
export const asker = ({ subject, actor }: Ctx): Asker => ({ subject, username: actor.user.username });

/** Whether the caller may do this with a production that they can view. */
export const mayWith = (ctx: Ctx, production: Pick<ProductionRow, 'creator'>, what: 'edit' | 'delete'): boolean =>
  production.creator === ctx.actor.user.username || holds(ctx.subject, systemOf[what]);

/** Throws `no_such` or `not_allowed` unless the caller may do this with a production. */
export async function demandProduction(
  ctx: Ctx | ChangeCtx,
  what: 'view' | 'edit' | 'delete',
  id: number,
  field?: string,
): Promise<void> {
  const production = await findProduction('tx' in ctx ? ctx.tx : ctx.db, asker(ctx), id);
  const details = field === undefined ? [] : [detail(field, new Problem('no_such', { thing: 'production', id }).said)];
  if (!production) throw new Problem('no_such', { thing: 'production', id }, details);
  if (what !== 'view' && !mayWith(ctx, production, what)) throw notAllowed(systemOf[what]);
}

/** A permission on the production in the path. */
export const production = (what: 'view' | 'edit' | 'delete') =>
  permission({
    names: what === 'view' ? ['view_business'] : [systemOf[what]],
    check: (request) => demandProduction(request.ctx, what, requestedId(request, 'id')),
  });
