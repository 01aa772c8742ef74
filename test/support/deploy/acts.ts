// What people do to a deploy task, as short calls of the API.
import { loadDecideKey, signDecision } from '../../../db/secrets/message-proofs.ts';
import type { SignedDecision } from '../../../db/secrets/message-proofs.ts';
import { deployTaskWorkflowId } from '../../../workflows/deploy/contract.ts';
import type { ApiResponse, TestUser } from '../api/app.ts';
import { packagePath, taskOf } from '../world.ts';
import type { Site, TestEstate } from '../world.ts';

const root = '/application/deploy-tasks';

export const taskPath = (id: number, rest = ''): string => `${root}/${id}/${rest}`;

export type Action = 'pause' | 'resume' | 'approve' | 'reject' | 'start' | 'close' | 'delegate';

export const act = (
  user: TestUser,
  id: number,
  action: Action,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ApiResponse> => user.post(taskPath(id, `actions/${action}/`), body, headers);

/** Approves the plan as it is now, by its hash, as one who has just looked at it. */
export const approveSeen = async (world: Pick<Site, 'db'>, user: TestUser, id: number): Promise<ApiResponse> =>
  act(user, id, 'approve', { plan_hash: (await taskOf(world, id)).planHash });

/** A message with what proves that it comes from a bot of ours. */
export const signed = <M extends object>(site: Pick<Site, 'config'>, id: number, message: M) =>
  signedFor(site, deployTaskWorkflowId(id), message);

/** The same, about the request of any workflow. */
export const signedFor = <M extends object>({ config }: Pick<Site, 'config'>, workflowId: string, message: M) => ({
  ...message,
  proof: signDecision(loadDecideKey(config) ?? '', workflowId, message as unknown as SignedDecision),
});

/** Status and code of an answer; a success has code 0. */
export const outcome = ({ status, body }: ApiResponse): [number, number] => [status, Number(body['error_code'] ?? 0)];

export interface SubTaskWish {
  version?: string;
  instances?: { id: number }[];
  timeout?: number;
  update_source?: string;
}

/** Asks for an upgrade of every instance of the estate. */
export function upgrade(estate: TestEstate, id: number, wish: SubTaskWish = {}): Promise<ApiResponse> {
  const { version = '1.0.0' } = wish;
  return estate.manager.post(taskPath(id, 'sub-upgrade-tasks/'), {
    instances: estate.instanceIds.map((one) => ({ id: one })),
    update_source: packagePath(version),
    ...wish,
    version,
  });
}

export function revert(estate: TestEstate, id: number, wish: SubTaskWish = {}): Promise<ApiResponse> {
  return estate.manager.post(taskPath(id, 'sub-revert-tasks/'), {
    instances: estate.instanceIds.map((one) => ({ id: one })),
    version: '1.0.0',
    ...wish,
  });
}

/** The task id of an accepted sub-task. */
export function accepted({ status, body }: ApiResponse): number {
  if (status !== 202) throw new Error(`the sub-task was refused: ${status} ${JSON.stringify(body)}`);
  return Number(body['task_id']);
}

/** Further reviewers of an estate. */
export const reviewers = (world: Site, { applicationId }: TestEstate, count: number): Promise<TestUser[]> =>
  Promise.all(
    Array.from({ length: count }, () =>
      world.user({ application: { [applicationId]: ['view_app', 'review_app_deploy_task'] } }),
    ),
  );

/** What a deploy task has left in the database so far. */
export async function traces({ db }: Pick<Site, 'db'>, id: number) {
  const [votes, events, audit] = await Promise.all([
    db.selectFrom('votes').select(['userId', 'round', 'planHash']).where('requestId', '=', id).execute(),
    db
      .selectFrom('requestEvents')
      .select(['event', 'by', 'reason'])
      .where('requestId', '=', id)
      .orderBy('id')
      .execute(),
    db
      .selectFrom('auditRecords')
      .select(['operator', 'outcome', 'detailEn'])
      .where('targetType', '=', 'deploy_task')
      .where('targetId', '=', id)
      .orderBy('id')
      .execute(),
  ]);
  return { votes, events, audit };
}

/** What has become of each instance of a sub-task so far. */
export const resultsOf = ({ db }: Pick<Site, 'db'>, taskId: number) =>
  db.selectFrom('taskResults').selectAll().where('taskId', '=', taskId).orderBy('position').execute();
