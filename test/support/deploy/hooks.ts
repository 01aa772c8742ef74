import type { HookName } from '../../../workflows/deploy/contract.ts';
import { unique } from '../harness.ts';
import type { Site, TestEstate } from '../world.ts';

/** Creates a deploy script; returns its id. */
export async function makeScript({ db }: Site, content: string, language: 'bash' | 'python' = 'bash'): Promise<number> {
  const { id } = await db
    .insertInto('deployScripts')
    .values({ name: `script-${unique()}`, creator: 'test', language, content })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** Sets the hooks of an estate to these scripts and clears the others. */
export async function setHooks(
  { db }: Site,
  { applicationId }: TestEstate,
  hooks: Partial<Record<HookName, number>>,
  more: object = {},
): Promise<void> {
  const set = Object.entries(hooks).map(([name, id]) => [name, { running_user: null, script: { id } }]);
  await db
    .updateTable('deploySettings')
    .set({ lifecycleHooks: JSON.stringify({ ...Object.fromEntries(set), ...more }) })
    .where('applicationId', '=', applicationId)
    .execute();
}
