// Physical machines at Tencent Cloud (CPM, named BM in the API). Changes are asynchronous tasks. The machine's log keeps
// every operation, so a restart whose response was lost can be found.
import { z } from 'zod';
import type { TencentAccount } from '../../../kit/config/cloud-accounts.ts';
import { refused } from '../error.ts';
import { CloudApiError, createCaller } from './calls.ts';
import type { CallOptions } from './calls.ts';
import { createCloud } from './cloud.ts';
import type { CloudApi } from './cloud.ts';
import type { CloudDriver, Machine, MachineState } from './driver.ts';
import { createTencentCall } from './tencent-wire.ts';

const service = { name: 'Tencent Cloud CPM', service: 'bm', version: '2018-04-23' } as const;
const pageSize = 100;

const device = z.object({
  InstanceId: z.string(),
  Alias: z.string().nullish(),
  DeviceStatus: z.number(),
  OperateStatus: z.number(),
  Zone: z.string().nullish(),
  LanIp: z.string().nullish(),
  WanIp: z.string().nullish(),
});
type Device = z.output<typeof device>;
const devices = z.object({ TotalCount: z.number(), DeviceInfoSet: z.array(device) });
const accepted = z.object({ TaskId: z.number() });
const result = z.object({ TaskStatus: z.number() });
const log = z.object({
  DeviceOperationLogSet: z.array(
    z.object({
      TaskId: z.number(),
      TaskName: z.string(),
      TaskDescription: z.string().nullish(),
    }),
  ),
});

/** Values of `OperateStatus` while the machine is in use; binding addresses and balancers leaves it running. */
const operations: Record<number, MachineState> = {
  1: 'running',
  2: 'stopping',
  3: 'stopped',
  5: 'starting',
  7: 'restarting',
  12: 'running',
  13: 'running',
  14: 'running',
  15: 'running',
  19: 'running',
};
const inUse = 4;
const arriving = [1, 2];

const actions = { start: 'StartDevices', stop: 'ShutdownDevices', restart: 'RebootDevices' } as const;

/** Values of `TaskStatus`: all done, and those where some machine failed; others are in progress. */
const done = 1;
const failed = [2, 3, 6, 7];

function stateOf({ DeviceStatus, OperateStatus }: Device): MachineState {
  if (arriving.includes(DeviceStatus)) return 'starting';
  return (DeviceStatus === inUse ? operations[OperateStatus] : undefined) ?? 'other';
}

const toMachine = (account: string, region: string, one: Device): Machine => ({
  place: { account, region, id: one.InstanceId },
  name: one.Alias || one.InstanceId,
  state: stateOf(one),
  detail: `DeviceStatus ${one.DeviceStatus}, OperateStatus ${one.OperateStatus}`,
  addresses: [
    ...(one.LanIp ? [{ address: one.LanIp, addrType: 'PRIVATE' as const }] : []),
    ...(one.WanIp ? [{ address: one.WanIp, addrType: 'PUBLIC' as const }] : []),
  ],
  cpu: null,
  memory: null,
  osType: '',
  location: one.Zone ?? region,
  last: null,
});

const isRestart = ({ TaskName, TaskDescription }: { TaskName: string; TaskDescription?: string | null | undefined }) =>
  /reboot|restart|重启/i.test(`${TaskName} ${TaskDescription ?? ''}`);

function createApi(
  account: TencentAccount,
  region: string,
  options: Parameters<typeof createTencentCall>[3],
): CloudApi {
  const call = createTencentCall(service, account, region, options);
  const list = (parameters: object) => call('DescribeDevices', { Limit: pageSize, Offset: 0, ...parameters }, devices);
  // Newest first, with the longest page, so that a restart between two reads is not missed.
  const lastRestart = async (id: string): Promise<string> => {
    const { DeviceOperationLogSet: entries } = await call(
      'DescribeDeviceOperationLog',
      { InstanceId: id, Offset: 0, Limit: 100 },
      log,
    );
    return String(entries.find(isRestart)?.TaskId ?? 'none');
  };
  return {
    account: account.name,
    region,
    get: async (id) => {
      try {
        const [one] = (await list({ InstanceIds: [id] })).DeviceInfoSet;
        return one ? toMachine(account.name, region, one) : null;
      } catch (error) {
        if (error instanceof CloudApiError && /NotFound/.test(error.code)) return null;
        throw error;
      }
    },
    async *pages() {
      for (let offset = 0; ; offset += pageSize) {
        const { TotalCount: count, DeviceInfoSet: set } = await list({ Offset: offset });
        if (set.length > 0) yield set.map((one) => toMachine(account.name, region, one));
        if (set.length === 0 || offset + set.length >= count) return;
      }
    },
    // The API has only one way to switch off: `force` makes no difference.
    power: async (id, action) => String((await call(actions[action], { InstanceIds: [id] }, accepted)).TaskId),
    finished: async (job) => {
      const { TaskStatus: status } = await call('DescribeOperationResult', { TaskId: Number(job) }, result);
      if (failed.includes(status)) throw refused(service.name, `${service.name}: the task ${job} failed`);
      return status === done;
    },
    last: lastRestart,
    restartedSince: async (id, { last }) => {
      const now = await lastRestart(id);
      if (last === null) return 'unclear';
      return now === last ? null : { job: now };
    },
  };
}

/** Creates the driver for accounts and their regions; the rate limit is per account. */
export const createTencentCpm = (accounts: readonly TencentAccount[], options: CallOptions): CloudDriver =>
  createCloud(
    service.name,
    accounts.flatMap((account) => {
      const run = createCaller(service.name, account.name, options);
      return account.regions.map((region) => createApi(account, region, { ...options, run }));
    }),
  );
