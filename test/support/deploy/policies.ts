// Policies, roles and people for the tests of approvals on the real engine.
import type { TestUser } from '../api/app.ts';
import { unique } from '../harness.ts';
import type { Site, TestEstate } from '../world.ts';

/** A role with so many members, all of whom may review the estate's application. */
export async function roleOf(
  site: Site,
  { applicationId }: TestEstate,
  members: number,
  rights: string[] = ['review_app_deploy_task'],
): Promise<{ id: number; name: string; members: TestUser[] }> {
  const name = `role-${unique()}`;
  const { id } = await site.db
    .insertInto('roles')
    .values({ name, creator: 'test' })
    .returning('id')
    .executeTakeFirstOrThrow();
  for (const permission of rights)
    await site.db
      .insertInto('grants')
      .values({ userId: null, roleId: id, scope: 'application', objectId: applicationId, permission })
      .execute();
  const people: TestUser[] = [];
  for (let index = 0; index < members; index += 1) {
    const user = await site.user();
    await site.db.insertInto('userRoles').values({ userId: user.id, roleId: id }).execute();
    people.push(user);
  }
  return { id, name, members: people };
}

/** Creates a policy of the estate's application as an administrator; returns its id. */
export async function makePolicy(
  admin: TestUser,
  { applicationId }: TestEstate,
  fields: Record<string, unknown>,
): Promise<number> {
  const { status, body } = await admin.post<{ id: number }>('/approval-policies/', {
    name: `policy-${unique()}`,
    kind: 'deploy_task',
    application: applicationId,
    ...fields,
  });
  if (status !== 201) throw new Error(`the policy was refused: ${JSON.stringify(body)}`);
  return body.id;
}
