import type { ChangeCtx } from '../operations/context.ts';
import { notFound } from '../operations/permissions.ts';
import type { NamedApplication } from './text.ts';

/** Locks an application, so that changes of its parts are serialised; throws if it is deleted. */
export async function lockedApplication({ tx }: ChangeCtx, id: number): Promise<NamedApplication> {
  const row = await tx
    .selectFrom('applications')
    .where('id', '=', id)
    .where('deletedTime', 'is', null)
    .select(['id', 'fullName'])
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw notFound();
  return row;
}
