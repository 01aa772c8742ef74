// Sites for tests of instance tasks: an application on local hosts whose commands write a line per call, and a user who may
// start and stop it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localHostFolder } from '../../../kit/host-path.ts';
import type { TestUser } from '../api/app.ts';
import { endedTask, makeEstate } from '../world.ts';
import type { TestEstate, World } from '../world.ts';

interface Result {
  instance: number;
  hostname: string;
  status: string;
  message: string | null;
  started: string | null;
  finished: string | null;
}

/** An instance task as the API shows it. */
interface Task {
  id: number;
  task_id: string;
  kind: string;
  creator: string;
  status: string;
  timeout: number;
  waiting_on: { kind: string; text: string } | null;
  results: Result[];
  task_output: string;
  created_time: string;
  finished_time: string | null;
}

export interface ApplicationSite extends TestEstate {
  /** Holds restart_app. */
  operator: TestUser;
}

export const startup =
  'mkdir -p "$SLIPWAY_HOST_ROOT/run"; echo "start $SLIPWAY_TASK" >> "$SLIPWAY_HOST_ROOT/calls"; ' +
  'nohup sleep 600 >/dev/null 2>&1 & echo $! > "$SLIPWAY_PID_FILE"; echo started';
const stop = 'echo "stop $SLIPWAY_TASK" >> "$SLIPWAY_HOST_ROOT/calls"; kill "$(cat "$SLIPWAY_PID_FILE")"; echo stopped';

/** An instance held by no task. */
export const free = (status: string) => ({ status, busyKind: null, busyTaskId: null });

/** Everything that tests do on sites of a world that is not there yet. */
export function sitesOf(world: () => World) {
  async function site(instances = 1, fields: object = {}): Promise<ApplicationSite> {
    const estate = await makeEstate(world(), instances);
    await setFields(estate, { startupCmd: startup, stopCmd: stop, ...fields });
    const operator = await world().user({ application: { [estate.applicationId]: ['restart_app'] } });
    return { ...estate, operator };
  }

  const setFields = ({ applicationId }: TestEstate, fields: object) =>
    world().db.updateTable('applications').set(fields).where('id', '=', applicationId).execute();

  const setStatus = ({ instanceIds }: TestEstate, status: 'running' | 'stopped' | 'unknown') =>
    world().db.updateTable('instances').set({ status }).where('id', 'in', instanceIds).execute();

  const root = ({ hostnames }: TestEstate, index = 0): string =>
    localHostFolder(world().config.dataDir, hostnames[index] ?? '');
  const calls = (estate: TestEstate, index = 0): string[] => {
    const file = join(root(estate, index), 'calls');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };

  const one = ({ applicationId, instanceIds, operator }: ApplicationSite, action: string, body?: object, index = 0) =>
    operator.post<{ task_id: string }>(
      `/applications/${applicationId}/instances/${instanceIds[index] ?? 0}/actions/${action}/`,
      body,
    );
  const many = ({ applicationId, instanceIds, operator }: ApplicationSite, action: string, body: object = {}) =>
    operator.post<{ task_id: string }>(`/applications/${applicationId}/instances/actions/${action}/`, {
      instances: instanceIds.map((id) => ({ id })),
      ...body,
    });

  const taskOf = async ({ applicationId, operator }: ApplicationSite, taskId: string): Promise<Task> =>
    (await operator.get<Task>(`/applications/${applicationId}/instance-tasks/${taskId}/`)).body;

  async function ended(estate: ApplicationSite, answer: { status: number; body: { task_id: string } }): Promise<Task> {
    expect([answer.status, answer.body]).toEqual([202, { task_id: expect.any(String) }]);
    await endedTask(world(), Number(answer.body.task_id));
    return taskOf(estate, answer.body.task_id);
  }

  const instancesOf = ({ instanceIds }: TestEstate) =>
    world()
      .db.selectFrom('instances')
      .select(['status', 'busyKind', 'busyTaskId'])
      .where('id', 'in', instanceIds)
      .orderBy('id')
      .execute();

  return { site, setFields, setStatus, root, calls, one, many, taskOf, ended, instancesOf };
}
