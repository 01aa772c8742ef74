// Start and stop commands of an instance are reviewed by a second person: with the plan of a deploy, or by a confirmation
// bound to a hash.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localHostFolder } from '../../kit/host-path.ts';
import type { TestUser } from '../support/api/app.ts';
import { created, recordsOf, refusal } from '../support/api/inventory.ts';
import { accepted, upgrade } from '../support/deploy/acts.ts';
import { unique } from '../support/harness.ts';
import { endedTask, makeEstate, placePackage, startedTask, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

interface Shown {
  startup_cmd: string;
  pending_commands: { hash: string; changed_by: string[]; in_force: Record<string, string> } | null;
}

const path = (id: number): string => `/applications/${id}/`;
const shown = async (by: TestUser, id: number): Promise<Shown> => (await by.get<Shown>(path(id))).body;
const confirm = (by: TestUser, id: number, hash: string) => by.post(`${path(id)}actions/confirm-commands/`, { hash });
const rights = (id: number, ...names: string[]) => world.user({ application: { [id]: ['view_app', ...names] } });

const says = (word: string): string => `echo ${word} >> "$SLIPWAY_HOST_ROOT/said"`;
const saidOn = (estate: TestEstate): string[] =>
  readFileSync(join(localHostFolder(world.config.dataDir, estate.hostnames[0] ?? ''), 'said'), 'utf8')
    .trim()
    .split('\n');

async function restarted(estate: TestEstate, action = 'restart') {
  const operator = await rights(estate.applicationId, 'restart_app');
  const instance = estate.instanceIds[0] ?? 0;
  return operator.post<{ task_id: string }>(
    `/applications/${estate.applicationId}/instances/${instance}/actions/${action}/`,
  );
}

/** An estate without a pid file, whose commands leave a word. */
async function talking(): Promise<TestEstate> {
  const estate = await makeEstate(world, 1);
  await world.db
    .updateTable('applications')
    .set({ startupCmd: says('first'), stopCmd: 'true', pidPath: '' })
    .where('id', '=', estate.applicationId)
    .execute();
  for (const name of estate.hostnames) mkdirSync(localHostFolder(world.config.dataDir, name), { recursive: true });
  return estate;
}

async function runs(estate: TestEstate, action?: string): Promise<void> {
  const answer = await restarted(estate, action);
  expect(answer).toMatchObject({ status: 202 });
  expect(await endedTask(world, Number(answer.body.task_id))).toMatchObject({ status: 'finished' });
}

const fields: [string, string][] = [
  ['startup_cmd', 'id'],
  ['stop_cmd', 'id'],
  ['run_user', 'other'],
  ['pid_path', '/run/other.pid'],
  ['directory', '/srv/other'],
];

describe('a command that an editor writes', () => {
  test.each(fields)(
    'waits when it is %s, and is shown with its writer and what counts until then',
    async (field, value) => {
      const { applicationId: id } = await talking();
      const editor = await rights(id, 'edit_app');
      expect((await shown(editor, id)).pending_commands).toBeNull();
      const before = (await editor.get<Record<string, string>>(path(id))).body[field];
      expect((await editor.patch(path(id), { [field]: value })).status).toBe(200);
      const { pending_commands: pending } = await shown(editor, id);
      expect(pending).toMatchObject({ changed_by: [editor.username], in_force: { [field]: before } });
      expect((await editor.patch(path(id), { [field]: before })).status).toBe(200);
      expect((await shown(editor, id)).pending_commands).toBeNull();
    },
  );

  test('does not run before it is confirmed, and runs then', async () => {
    const estate = await talking();
    const { applicationId: id } = estate;
    const [editor, reviewer] = [await rights(id, 'edit_app'), await rights(id, 'review_app_deploy_task')];
    await editor.patch(path(id), { startup_cmd: says('second') });
    await runs(estate);
    expect(saidOn(estate)).toEqual(['first']);
    const hash = (await shown(editor, id)).pending_commands?.hash ?? '';
    expect((await confirm(reviewer, id, hash)).status).toBe(200);
    expect((await shown(editor, id)).pending_commands).toBeNull();
    await runs(estate);
    expect(saidOn(estate)).toEqual(['first', 'second']);
    const records = await recordsOf(world.db, 'application', id);
    const confirmed = records.filter(({ detailEn }) => detailEn.startsWith('confirmed the commands'));
    expect(confirmed).toMatchObject([
      {
        opType: 'update',
        changes: { startup_cmd: [says('first'), says('second')] },
      },
    ]);
  });

  test('is not confirmed by an author of any part of it, nor by another hash, nor twice', async () => {
    const { applicationId: id } = await talking();
    const both = ['edit_app', 'review_app_deploy_task'];
    const [one, other] = [await rights(id, ...both), await rights(id, ...both)];
    await one.patch(path(id), { startup_cmd: 'id' });
    const stale = (await shown(one, id)).pending_commands?.hash ?? '';
    await other.patch(path(id), { stop_cmd: 'id' });
    const hash = (await shown(one, id)).pending_commands?.hash ?? '';
    for (const writer of [one, other]) expect(refusal(await confirm(writer, id, hash))).toEqual([403, 10003]);
    const reviewer = await rights(id, 'review_app_deploy_task');
    const differs = await confirm(reviewer, id, stale);
    expect(refusal(differs)).toEqual([409, 10005]);
    expect(JSON.stringify(differs.body)).toContain(hash);
    expect((await confirm(reviewer, id, hash)).status).toBe(200);
    expect(refusal(await confirm(reviewer, id, hash))).toEqual([409, 10005]);
  });

  test('of a new application waits as well, and its instances say for whom', async () => {
    const creator = await world.user({ system: ['create_app'] });
    const name = `app-${unique()}`;
    const { id } = await created<{ id: number }>(creator, '/applications/', {
      name,
      startup_cmd: 'id',
      stop_cmd: 'id',
    });
    const host = await world.db
      .insertInto('hosts')
      .values({ name, hostType: 'PHY_HOST', runner: 'local', status: 'attached', creator: 'test' })
      .returning('id')
      .executeTakeFirstOrThrow();
    const { id: instance } = await world.db
      .insertInto('instances')
      .values({ applicationId: id, hostId: host.id })
      .returning('id')
      .executeTakeFirstOrThrow();
    const answer = await creator.post(`/applications/${id}/instances/${instance}/actions/start/`);
    expect(refusal(answer)).toEqual([409, 10005]);
    expect(JSON.stringify(answer.body)).toContain('confirm-commands');
  });

  test('counts at once when an administrator writes it, which does not confirm the parts that others wrote', async () => {
    const { applicationId: id } = await talking();
    const [admin, editor] = [await world.user({ admin: true }), await rights(id, 'edit_app')];
    await admin.patch(path(id), { stop_cmd: 'echo 1' });
    expect((await shown(admin, id)).pending_commands).toBeNull();
    await editor.patch(path(id), { startup_cmd: 'id' });
    await admin.patch(path(id), { stop_cmd: 'echo 2' });
    expect((await shown(admin, id)).pending_commands).toMatchObject({
      changed_by: [editor.username],
      in_force: { stop_cmd: 'echo 2', startup_cmd: says('first') },
    });
  });

  test('takes effect by the next deploy, and a deployed instance keeps what it was deployed with', async () => {
    const estate = await talking();
    const { applicationId: id } = estate;
    const [editor, reviewer] = [await rights(id, 'edit_app'), await rights(id, 'review_app_deploy_task')];
    await editor.patch(path(id), { startup_cmd: says('second') });
    await placePackage(world, estate, '1.0.0');
    const deploy = await startedTask(world, estate);
    expect(await endedTask(world, accepted(await upgrade(estate, deploy)))).toMatchObject({ status: 'finished' });
    expect((await shown(editor, id)).pending_commands).toBeNull();
    await editor.patch(path(id), { startup_cmd: says('third') });
    const hash = (await shown(editor, id)).pending_commands?.hash ?? '';
    expect((await confirm(reviewer, id, hash)).status).toBe(200);
    await runs(estate);
    expect(saidOn(estate)).toEqual(['second', 'second']);
  });
});
