// Virtual machines at Tencent Cloud (CVM).
import { z } from 'zod';
import type { TencentAccount } from '../../../kit/config/cloud-accounts.ts';
import { CloudApiError, createCaller } from './calls.ts';
import type { CallOptions } from './calls.ts';
import { createCloud } from './cloud.ts';
import type { CloudApi } from './cloud.ts';
import type { CloudDriver, Machine, MachineState } from './driver.ts';
import { createTencentCall } from './tencent-wire.ts';

const service = { name: 'Tencent Cloud CVM', service: 'cvm', version: '2017-03-12' } as const;
const pageSize = 100;

const addresses = z.array(z.string()).nullish();
const instance = z.object({
  InstanceId: z.string(),
  InstanceName: z.string().nullish(),
  InstanceState: z.string(),
  Placement: z.object({ Zone: z.string() }).nullish(),
  PrivateIpAddresses: addresses,
  PublicIpAddresses: addresses,
  IPv6Addresses: addresses,
  CPU: z.number().nullish(),
  /** GiB */
  Memory: z.number().nullish(),
  OsName: z.string().nullish(),
  LatestOperation: z.string().nullish(),
  LatestOperationState: z.string().nullish(),
  LatestOperationRequestId: z.string().nullish(),
});
type Instance = z.output<typeof instance>;
const instances = z.object({ TotalCount: z.number(), InstanceSet: z.array(instance) });
const accepted = z.object({ RequestId: z.string() });

const states: Record<string, MachineState> = {
  PENDING: 'starting',
  RUNNING: 'running',
  STOPPED: 'stopped',
  STARTING: 'starting',
  STOPPING: 'stopping',
  REBOOTING: 'restarting',
  ENTER_SERVICE_LIVE_MIGRATE: 'running',
  SERVICE_LIVE_MIGRATE: 'running',
  EXIT_SERVICE_LIVE_MIGRATE: 'running',
  TERMINATING: 'gone',
};

const actions = { start: 'StartInstances', stop: 'StopInstances', restart: 'RebootInstances' } as const;

function toMachine(account: string, region: string, one: Instance): Machine {
  const own = [...(one.PrivateIpAddresses ?? []), ...(one.IPv6Addresses ?? [])];
  return {
    place: { account, region, id: one.InstanceId },
    name: one.InstanceName ?? one.InstanceId,
    state: states[one.InstanceState] ?? 'other',
    detail: one.InstanceState,
    addresses: [
      ...own.map((address) => ({ address, addrType: 'PRIVATE' as const })),
      ...(one.PublicIpAddresses ?? []).map((address) => ({ address, addrType: 'PUBLIC' as const })),
    ],
    cpu: one.CPU ?? null,
    memory: one.Memory == null ? null : one.Memory * 1024,
    osType: one.OsName ?? '',
    location: one.Placement?.Zone ?? region,
    last: one.LatestOperationRequestId ?? null,
  };
}

/**
 * Tencent Cloud reports the last operation by request id, without a time: a changed id means an operation since then. If
 * that is not a restart, ours may have preceded it.
 */
function restartSince(found: Instance | null, last: string | null): { job: null } | null | 'unclear' {
  const now = found?.LatestOperationRequestId ?? null;
  if (now === null || last === null) return 'unclear';
  if (now === last) return null;
  if (found?.LatestOperation !== actions.restart) return 'unclear';
  return found.LatestOperationState === 'FAILED' ? null : { job: null };
}

function createApi(
  account: TencentAccount,
  region: string,
  options: Parameters<typeof createTencentCall>[3],
): CloudApi {
  const call = createTencentCall(service, account, region, options);
  const look = async (id: string): Promise<Instance | null> => {
    try {
      const { InstanceSet: found } = await call('DescribeInstances', { InstanceIds: [id] }, instances);
      return found[0] ?? null;
    } catch (error) {
      if (error instanceof CloudApiError && error.code.startsWith('InvalidInstanceId')) return null;
      throw error;
    }
  };
  return {
    account: account.name,
    region,
    get: async (id) => {
      const found = await look(id);
      const machine = found && toMachine(account.name, region, found);
      return machine?.state === 'gone' ? null : machine;
    },
    async *pages() {
      for (let offset = 0; ; offset += pageSize) {
        const { TotalCount: count, InstanceSet: set } = await call(
          'DescribeInstances',
          { Offset: offset, Limit: pageSize },
          instances,
        );
        const there = set.map((one) => toMachine(account.name, region, one)).filter(({ state }) => state !== 'gone');
        if (there.length > 0) yield there;
        if (set.length === 0 || offset + set.length >= count) return;
      }
    },
    power: async (id, action, force) => {
      const how = action === 'start' ? {} : { StopType: force ? 'HARD' : 'SOFT' };
      await call(actions[action], { InstanceIds: [id], ...how }, accepted);
      return null;
    },
    finished: async () => true,
    restartedSince: async (id, { last }) => restartSince(await look(id), last),
  };
}

/** Creates the driver for accounts and their regions; the rate limit is per account. */
export const createTencentCvm = (accounts: readonly TencentAccount[], options: CallOptions): CloudDriver =>
  createCloud(
    service.name,
    accounts.flatMap((account) => {
      const run = createCaller(service.name, account.name, options);
      return account.regions.map((region) => createApi(account, region, { ...options, run }));
    }),
  );
