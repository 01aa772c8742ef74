// Who may view and create freezes: reviewers for one application, administrators for anything wider.
import { adminRole } from '../../db/access/rights.ts';
import { freezesFor } from '../../db/deploy/freezes.ts';
import { asker } from '../productions/rights.ts';
import { demandOn, notAllowed, notFound, permission, requestedId } from '../operations/permissions.ts';
import type { PermissionRequest } from '../operations/permissions.ts';
import type { Ctx } from '../operations/context.ts';
import { id as idSchema } from '../operations/schemas.ts';

const review = 'review_app_deploy_task';

interface Over {
  applicationId: number | null;
  productionId: number | null;
}

async function seen(request: PermissionRequest): Promise<Over> {
  const { ctx } = request;
  const found = freezesFor(ctx.db, asker(ctx)).where('deployFreezes.id', '=', requestedId(request, 'id'));
  const freeze = await found.executeTakeFirst();
  if (!freeze) throw notFound();
  return freeze;
}

async function demandFreeze(ctx: Ctx, { applicationId, productionId }: Over): Promise<void> {
  if (applicationId !== null && productionId === null) await demandOn(ctx, 'application', review, applicationId);
  else if (!ctx.subject.isAdmin) throw notAllowed(adminRole);
}

/** Users who may view the freeze. */
export const seesFreeze = permission({
  names: [],
  check: async (request) => {
    await seen(request);
  },
});

/** Users who may create such a freeze may change and end it. */
export const changesFreeze = permission({
  names: [review, adminRole],
  check: async (request) => demandFreeze(request.ctx, await seen(request)),
});

/** Decided by the object that the body names; invalid ids are left to validation. */
export const makesFreeze = permission({
  names: [review, adminRole],
  async check({ ctx, body }) {
    const { application, production } = (body ?? {}) as Record<string, unknown>;
    const given = (value: unknown): boolean => value !== undefined && value !== null;
    const parsed = idSchema.safeParse(application);
    if (given(application) && !parsed.success) return;
    const over = { applicationId: parsed.data ?? null, productionId: given(production) ? 0 : null };
    await demandFreeze(ctx, over);
  },
});
