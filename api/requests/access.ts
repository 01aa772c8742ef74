// Permissions on resource requests: a request is there for its creator and for holders of its kind's approving permission.
// Each check returns the request.
import { voterOf } from '../../db/approvals/people.ts';
import type { ResourceRow, ResourceRules } from '../../db/requests/kind.ts';
import { approvingPermissions } from '../../workflows/approvals/contract.ts';
import type { Voter } from '../../workflows/approvals/contract.ts';
import { mayReview } from '../../workflows/approvals/policy.ts';
import { resourceActions } from '../../workflows/requests/policy.ts';
import { notAllowed, notFound, permission, requestedId } from '../operations/permissions.ts';
import type { Permission, PermissionRequest } from '../operations/permissions.ts';

type ActionName = keyof typeof resourceActions;

/** The permissions of one kind, by what they are for. */
export function accessTo<Row extends ResourceRow>({
  table: { kind },
  find,
}: ResourceRules<Row>): Record<'view' | ActionName, Permission<Row>> {
  const names = [approvingPermissions[kind]];

  async function seen(request: PermissionRequest): Promise<{ row: Row; voter: Voter }> {
    const { db, subject } = request.ctx;
    const row = await find(db, requestedId(request, 'id'));
    if (!row) throw notFound();
    const voter = await voterOf(db, subject, { kind, id: row.id, applicationId: null });
    if (row.creatorId !== subject.userId && !mayReview(voter)) throw notFound();
    return { row, voter };
  }

  const view = permission({ names: [], check: async (request) => (await seen(request)).row });
  const to = (action: ActionName): Permission<Row> =>
    permission({
      names: action === 'edit' ? [] : names,
      async check(request) {
        const { row, voter } = await seen(request);
        const asked = { ...row, kind, ownerId: row.creatorId };
        const lacking = resourceActions[action].lacks(asked, { actor: request.ctx.by, voter });
        if (lacking !== null) throw notAllowed(lacking);
        return row;
      },
    });
  return {
    view,
    edit: to('edit'),
    approve: to('approve'),
    reject: to('reject'),
    close: to('close'),
    retry: to('retry'),
  };
}
