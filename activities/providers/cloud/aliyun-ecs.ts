// Virtual machines at Alibaba Cloud (ECS).
import { z } from 'zod';
import type { AliyunAccount } from '../../../kit/config/cloud-accounts.ts';
import { createAliyunCall } from './aliyun-wire.ts';
import { CloudApiError, createCaller } from './calls.ts';
import type { CallOptions } from './calls.ts';
import { createCloud } from './cloud.ts';
import type { CloudApi } from './cloud.ts';
import type { CloudDriver, Machine, MachineState } from './driver.ts';

const name = 'Alibaba Cloud ECS';
const pageSize = 100;

const addresses = z.object({ ipAddress: z.array(z.string()).default([]) }).optional();
const instance = z.object({
  instanceId: z.string(),
  instanceName: z.string().optional(),
  status: z.string(),
  zoneId: z.string().optional(),
  cpu: z.number().optional(),
  /** MiB */
  memory: z.number().optional(),
  OSName: z.string().optional(),
  /** To the minute, UTC: 2026-01-31T08:05Z */
  startTime: z.string().optional(),
  vpcAttributes: z.object({ privateIpAddress: addresses }).optional(),
  innerIpAddress: addresses,
  publicIpAddress: addresses,
  eipAddress: z.object({ ipAddress: z.string().optional() }).optional(),
});
type Instance = z.output<typeof instance>;
const instances = z.object({
  instances: z.object({ instance: z.array(instance) }),
  nextToken: z.string().optional(),
});
const accepted = z.object({ requestId: z.string() });

const states: Record<string, MachineState> = {
  Pending: 'starting',
  Running: 'running',
  Starting: 'starting',
  Stopping: 'stopping',
  Stopped: 'stopped',
};

/** Start times have minute precision, and clocks differ by some seconds. */
const startTimeMs = 60_000 + 30_000;

function toMachine(account: string, region: string, one: Instance): Machine {
  const own = [...(one.vpcAttributes?.privateIpAddress?.ipAddress ?? []), ...(one.innerIpAddress?.ipAddress ?? [])];
  const elastic = one.eipAddress?.ipAddress;
  const open = [...(one.publicIpAddress?.ipAddress ?? []), ...(elastic ? [elastic] : [])];
  return {
    place: { account, region, id: one.instanceId },
    name: one.instanceName ?? one.instanceId,
    state: states[one.status] ?? 'other',
    detail: one.status,
    addresses: [
      ...own.map((address) => ({ address, addrType: 'PRIVATE' as const })),
      ...open.map((address) => ({ address, addrType: 'PUBLIC' as const })),
    ],
    cpu: one.cpu ?? null,
    memory: one.memory ?? null,
    osType: one.OSName ?? '',
    location: one.zoneId ?? region,
    last: one.startTime ?? null,
  };
}

function createApi(account: AliyunAccount, region: string, options: Parameters<typeof createAliyunCall>[3]): CloudApi {
  const call = createAliyunCall(name, account, region, options);
  const look = async (id: string): Promise<Instance | null> => {
    try {
      const fields = { regionId: region, instanceIds: JSON.stringify([id]) };
      return (await call('DescribeInstances', fields, instances)).instances.instance[0] ?? null;
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
      return found && toMachine(account.name, region, found);
    },
    async *pages() {
      let nextToken: string | undefined;
      do {
        const fields = { regionId: region, maxResults: pageSize, ...(nextToken !== undefined && { nextToken }) };
        const page = await call('DescribeInstances', fields, instances);
        const found = page.instances.instance;
        if (found.length > 0) yield found.map((one) => toMachine(account.name, region, one));
        nextToken = page.nextToken || undefined;
      } while (nextToken !== undefined);
    },
    power: async (id, action, force) => {
      const names = { start: 'StartInstance', stop: 'StopInstance', restart: 'RebootInstance' } as const;
      await call(names[action], { instanceId: id, ...(action !== 'start' && { forceStop: force }) }, accepted);
      return null;
    },
    finished: async () => true,
    // A changed start time means a restart since then; an equal one means none, unless both fall into one minute.
    restartedSince: async (id, { time, last }) => {
      const { startTime } = (await look(id)) ?? {};
      if (startTime === undefined || last === null) return 'unclear';
      if (startTime !== last) return { job: null };
      return Date.parse(last) + startTimeMs < time.getTime() ? null : 'unclear';
    },
  };
}

/** Creates the driver for accounts and their regions; the rate limit is per account. */
export const createAliyunEcs = (accounts: readonly AliyunAccount[], options: CallOptions): CloudDriver =>
  createCloud(
    name,
    accounts.flatMap((account) => {
      const run = createCaller(name, account.name, options);
      return account.regions.map((region) => createApi(account, region, { ...options, run }));
    }),
  );
