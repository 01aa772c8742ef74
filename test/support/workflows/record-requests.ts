// Records histories of resource requests: see record.ts.
//   npx jest --testMatch '**/test/support/workflows/record-requests.ts'
import { resourceWorkflowId } from '../../../workflows/requests/contract.ts';
import { kinds } from '../../requests/kinds.ts';
import type { RequestSample } from '../../requests/kinds.ts';
import type { TestUser } from '../api/app.ts';
import { outcome, signedFor } from '../deploy/acts.ts';
import { eventually } from '../harness.ts';
import { testWorld } from '../world.ts';
import type { World } from '../world.ts';
import { saveHistory } from './save-history.ts';

interface Shown {
  id: number;
  status: string;
  error: string | null;
  plan_hash: string | null;
  history: { event: string }[];
}

let world: World;
beforeAll(async () => {
  world = await testWorld();
});
afterAll(() => world.close());

test.each(kinds)('$kind: from asking to closed, over a review, a stop and a message', async (sample: RequestSample) => {
  const { kind, path, permission, wish, changed } = sample;
  const me = await world.user({ system: ['enable_resource_req', 'create_resource_req'] });
  const [first, second] = [await approver(permission), await approver(permission)];
  const { id } = (await me.post<Shown>(path, wish())).body;
  const at = `${path}${id}/`;
  const shown = async (): Promise<Shown> => (await second.get<Shown>(at)).body;
  const events = (name: string): Promise<number> =>
    shown().then(({ history }) => history.filter(({ event }) => event === name).length);
  const act = async (user: TestUser, action: string, body?: object): Promise<void> => {
    expect(outcome(await user.post(`${at}actions/${action}/`, body))).toEqual([200, 0]);
  };
  const approve = async (user: TestUser): Promise<void> =>
    act(user, 'approve', { plan_hash: (await shown()).plan_hash });

  expect((await me.patch(at, changed())).status).toBe(200);
  await approve(first);
  await eventually(async () => (await events('stopped')) === 1);
  await world.db.updateTable('users').set({ status: 'disabled' }).where('id', '=', first.id).execute();
  await act(second, 'retry');
  await eventually(async () => (await shown()).status === 'wait_review');
  await approve(second);
  await eventually(async () => (await events('stopped')) === 2);
  const workflowId = resourceWorkflowId(kind, id);
  const message = { decision: 'close', actor: second.username, channel: 'chat', messageId: 'm-1' };
  const handle = world.temporal.workflow.getHandle(workflowId);
  await handle.signal('decide', { ...message, messageId: 'm-0' });
  await handle.signal('decide', signedFor(world, workflowId, message));
  await eventually(async () => (await shown()).status === 'closed');
  await saveHistory(world, kind.replace('_', '-'), workflowId);
});

const approver = (permission: RequestSample['permission']): Promise<TestUser> =>
  world.user({ system: ['enable_resource_req', permission] });
