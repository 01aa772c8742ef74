// CloudStack, online and office: the same API at two addresses. Power changes are asynchronous jobs; a machine's region is
// its zone.
import { z } from 'zod';
import type { CloudStackAccount } from '../../../kit/config/cloud-accounts.ts';
import { refused } from '../error.ts';
import { said } from './calls.ts';
import type { CallOptions } from './calls.ts';
import { createCloud } from './cloud.ts';
import type { CloudApi } from './cloud.ts';
import { CloudStackError, createCloudStackCall } from './cloudstack-wire.ts';
import type { CloudStackCall, Parameters } from './cloudstack-wire.ts';
import type { AskedBefore, CloudDriver, Machine, MachineState } from './driver.ts';

const pageSize = 100;

const nic = z.object({ ipaddress: z.string().nullish(), ip6address: z.string().nullish() });
const virtualMachine = z.object({
  id: z.string(),
  name: z.string(),
  state: z.string(),
  zonename: z.string().default(''),
  cpunumber: z.number().optional(),
  memory: z.number().optional(),
  osdisplayname: z.string().optional(),
  templatename: z.string().optional(),
  publicip: z.string().nullish(),
  nic: z.array(nic).default([]),
});
const machines = z.object({ virtualmachine: z.array(virtualMachine).default([]) });
const started = z.object({ jobid: z.string() });
const jobResult = z.object({
  jobstatus: z.number(),
  jobresult: z.object({ errortext: z.string().optional() }).optional(),
});
const jobs = z.object({
  asyncjobs: z
    .array(z.object({ jobid: z.string(), cmd: z.string(), jobinstanceid: z.string().optional() }))
    .default([]),
});
const events = z.object({
  event: z.array(z.object({ id: z.string(), resourceid: z.string().optional(), state: z.string() })).default([]),
});

const states: Record<string, MachineState> = {
  Running: 'running',
  Migrating: 'running',
  Stopped: 'stopped',
  Shutdown: 'stopped',
  Starting: 'starting',
  Stopping: 'stopping',
  Destroyed: 'gone',
  Expunging: 'gone',
};

const commands = {
  start: 'startVirtualMachine',
  stop: 'stopVirtualMachine',
  restart: 'rebootVirtualMachine',
} as const;

function toMachine(account: string, vm: z.output<typeof virtualMachine>): Machine {
  const own = vm.nic.flatMap(({ ipaddress, ip6address }) => [ipaddress, ip6address]);
  const addresses = [...own.map((address) => [address, 'PRIVATE'] as const), [vm.publicip, 'PUBLIC'] as const];
  return {
    place: { account, region: vm.zonename, id: vm.id },
    name: vm.name,
    state: states[vm.state] ?? 'other',
    detail: vm.state,
    addresses: addresses.flatMap(([address, addrType]) => (address ? [{ address, addrType }] : [])),
    cpu: vm.cpunumber ?? null,
    memory: vm.memory ?? null,
    osType: vm.osdisplayname ?? vm.templatename ?? '',
    location: vm.zonename,
    last: null,
  };
}

/** CloudStack's error for an unknown id. */
const isUnknown = (error: unknown): boolean =>
  error instanceof CloudStackError && error.code === 431 && error.text.includes('entity does not exist');

/**
 * The event of a machine's last restart; `none` when there is no such event, null when this version's events have no
 * resource: older ones ignore `resourceid` and return events of other machines.
 */
async function lastRestart(call: CloudStackCall, id: string): Promise<string | null> {
  const wanted = { type: 'VM.REBOOT', resourceid: id, resourcetype: 'VirtualMachine', listall: 'true' };
  const { event } = await call('listEvents', { ...wanted, page: '1', pagesize: '50' }, events);
  if (event.some(({ resourceid }) => resourceid === undefined)) return null;
  return event.find(({ resourceid, state }) => resourceid === id && state === 'Scheduled')?.id ?? 'none';
}

async function restartedSince(call: CloudStackCall, id: string, { last }: AskedBefore) {
  const now = await lastRestart(call, id);
  if (now === null || last === null) return 'unclear';
  if (now === last) return null;
  const running = await call('listAsyncJobs', { listall: 'true', pagesize: '500', page: '1' }, jobs);
  const job = running.asyncjobs.find(({ cmd, jobinstanceid }) => cmd.endsWith('RebootVMCmd') && jobinstanceid === id);
  return { job: job?.jobid ?? null };
}

function createApi(name: string, account: CloudStackAccount, variables: string, options: CallOptions): CloudApi {
  const call = createCloudStackCall(name, account, variables, options);
  const list = async (parameters: Parameters) => {
    const { virtualmachine } = await call('listVirtualMachines', { listall: 'true', ...parameters }, machines);
    return virtualmachine.map((one) => toMachine(account.name, one));
  };
  return {
    account: account.name,
    region: '',
    get: async (id) => {
      try {
        const [machine] = await list({ id });
        return machine === undefined || machine.state === 'gone' ? null : machine;
      } catch (error) {
        if (isUnknown(error)) return null;
        throw error;
      }
    },
    async *pages() {
      for (let page = 1; ; page += 1) {
        const found = await list({ page: String(page), pagesize: String(pageSize) });
        const there = found.filter(({ state }) => state !== 'gone');
        if (there.length > 0) yield there;
        if (found.length < pageSize) return;
      }
    },
    power: async (id, action, force) => {
      const { jobid } = await call(
        commands[action],
        { id, ...(force && action !== 'start' && { forced: 'true' }) },
        started,
      );
      return jobid;
    },
    finished: async (job) => {
      const { jobstatus, jobresult } = await call('queryAsyncJobResult', { jobid: job }, jobResult);
      if (jobstatus === 2) throw refused(name, `${name}: the job ${job} failed${said(jobresult?.errortext)}`);
      return jobstatus === 1;
    },
    last: (id) => lastRestart(call, id),
    restartedSince: (id, asked) => restartedSince(call, id, asked),
  };
}

/** Creates the driver for CloudStack accounts; `variables` names the settings with the keys of the account `default`. */
export const createCloudStack = (
  name: string,
  accounts: readonly CloudStackAccount[],
  variables: string,
  options: CallOptions,
): CloudDriver =>
  createCloud(
    name,
    accounts.map((account) => createApi(name, account, variables, options)),
  );
