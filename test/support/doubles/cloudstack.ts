// CloudStack's management server as far as power and lists of machines go: signatures with expiry, asynchronous jobs, events,
// errors with its own status codes. What it is not asked rightly it refuses.
import { randomUUID } from 'node:crypto';
import type { PowerAction } from '../../../activities/providers/cloud/driver.ts';
import { cloudStackSignature } from './cloudstack-signature.ts';
import { serveDouble } from './double.ts';
import type { Double, Exchange, DoubleReply } from './double.ts';
import { MachineFleet } from './fleet.ts';
import type { FleetMachine } from './fleet.ts';

export interface CloudStackDouble extends Double {
  fleet: MachineFleet;
  /** Makes jobs end badly from now on, or well. */
  failJobs(fails: boolean): void;
  apiKey: string;
  secretKey: string;
}

interface Job {
  id: string;
  cmd: string;
  machine: FleetMachine;
  created: Date;
  fails: boolean;
}

class RefusedError extends Error {
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.code = code;
  }
}

const actions: Record<string, PowerAction> = {
  startVirtualMachine: 'start',
  stopVirtualMachine: 'stop',
  rebootVirtualMachine: 'restart',
};
const commandClasses = { start: 'StartVMCmd', stop: 'StopVMCmd', restart: 'RebootVMCmd' };
const words = {
  running: 'Running',
  stopped: 'Stopped',
  starting: 'Starting',
  stopping: 'Stopping',
  restarting: 'Running',
};
const timeText = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, '+0000');

const replyOf = (command: string, status: number, content: object): DoubleReply => ({
  status,
  headers: { 'content-type': 'application/json;charset=UTF-8' },
  body: JSON.stringify({ [`${command.toLowerCase()}response`]: content }),
});

const errorReply = (command: string, code: number, text: string): DoubleReply =>
  replyOf(command, code, { uuidList: [], errorcode: code, cserrorcode: 9999, errortext: text });

const shown = (machine: FleetMachine): object => ({
  id: machine.id,
  name: machine.name,
  displayname: machine.name,
  state: words[machine.state],
  zoneid: '1',
  zonename: machine.region,
  cpunumber: 4,
  memory: 8192,
  osdisplayname: 'CentOS 7',
  nic: [{ id: randomUUID(), ipaddress: machine.address, isdefault: true }],
});

class ManagementServer {
  readonly fleet = new MachineFleet();
  readonly jobs = new Map<string, Job>();
  readonly apiKey = `key-${randomUUID()}`;
  readonly secretKey = `hush-${randomUUID()}`;
  failJobs = false;

  act({ method, url, headers, body }: Exchange): DoubleReply {
    const isForm = method === 'POST' && (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
    const given = new URLSearchParams(isForm ? body : url.search);
    const command = given.get('command') ?? '';
    try {
      if (url.pathname !== '/client/api') return { status: 404, headers: { 'content-type': 'text/html' }, body: '' };
      this.#verify(given);
      return replyOf(command, 200, this.#run(command, given));
    } catch (error) {
      if (error instanceof RefusedError) return errorReply(command, error.code, error.message);
      throw error;
    }
  }

  #verify(given: URLSearchParams): void {
    const unverified = new RefusedError(401, 'unable to verify user credentials and/or request signature');
    if (given.get('apiKey') !== this.apiKey) throw unverified;
    if (given.get('signature') !== cloudStackSignature(given, this.secretKey)) throw unverified;
    if (given.get('signatureVersion') !== '3') throw unverified;
    const expires = given.get('expires') ?? '';
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$/.test(expires) || Date.parse(expires) < Date.now())
      throw unverified;
    if (given.get('response') !== 'json') throw new RefusedError(431, 'this server speaks json only');
  }

  #machine(given: URLSearchParams, field = 'id'): FleetMachine {
    const id = given.get(field) ?? '';
    const machine = this.fleet.machines.get(id);
    if (machine) return machine;
    throw new RefusedError(
      431,
      `Unable to execute API command ${given.get('command')?.toLowerCase() ?? ''} due to invalid value. Invalid parameter ` +
        `${field} value=${id} due to incorrect long value format, or entity does not exist or due to incorrect parameter ` +
        'annotation for the field in api cmd class.',
    );
  }

  #run(command: string, given: URLSearchParams): object {
    const action = actions[command];
    if (action) return this.#power(action, given);
    switch (command) {
      case 'listVirtualMachines':
        return this.#list(given);
      case 'queryAsyncJobResult':
        return this.#jobResult(given.get('jobid') ?? '');
      case 'listAsyncJobs':
        return { count: 0, asyncjobs: [...this.jobs.values()].filter((job) => job.machine.next).map(shownJob) };
      case 'listEvents':
        return { event: this.#events(given) };
      default:
        throw new RefusedError(432, `The given command '${command}' either does not exist, is not available for user`);
    }
  }

  #list(given: URLSearchParams): object {
    if (given.has('id')) return { count: 1, virtualmachine: [shown(this.fleet.look(this.#machine(given)))] };
    const [page, size] = ['page', 'pagesize'].map((key) => Number(given.get(key)));
    if (!page || !size || size > 500) throw new RefusedError(431, 'page and pagesize (at most 500) are needed');
    const all = [...this.fleet.machines.values()];
    const part = all.slice((page - 1) * size, page * size);
    // An empty page has no list at all.
    return part.length > 0 ? { count: all.length, virtualmachine: part.map((one) => shown(this.fleet.look(one))) } : {};
  }

  #power(action: PowerAction, given: URLSearchParams): object {
    const machine = this.#machine(given);
    if (!this.fleet.allows(machine, action)) throw new RefusedError(431, `VM ${machine.id} is not in the right state`);
    const job = {
      id: randomUUID(),
      cmd: `vm.${commandClasses[action]}`,
      machine,
      created: new Date(),
      fails: this.failJobs,
    };
    this.jobs.set(job.id, job);
    this.fleet.begin(machine, action, given.get('forced') === 'true', job.id);
    return { jobid: job.id };
  }

  #jobResult(id: string): object {
    const job = this.jobs.get(id);
    if (!job) throw new RefusedError(431, `Invalid parameter jobid value=${id}: entity does not exist`);
    this.fleet.look(job.machine);
    if (job.machine.next) return { jobid: id, jobstatus: 0, jobprocstatus: 0 };
    if (!job.fails) return { jobid: id, jobstatus: 1, jobresulttype: 'object', jobresult: { virtualmachine: {} } };
    return { jobid: id, jobstatus: 2, jobresult: { errorcode: 530, errortext: 'Failed to stop the machine' } };
  }

  #events(given: URLSearchParams): object[] {
    if (given.get('type') !== 'VM.REBOOT') throw new RefusedError(431, 'this server knows events of reboots only');
    const { id, next, restarts } = this.#machine(given, 'resourceid');
    return restarts.flatMap((job, index) => {
      const created = timeText(this.jobs.get(job)?.created ?? new Date(0));
      const event = { type: 'VM.REBOOT', created, resourceid: id };
      const begun = { ...event, id: `${job}-begun`, state: 'Scheduled' };
      const done = { ...event, id: `${job}-done`, state: 'Completed', parentid: begun.id };
      return index === 0 && next ? [begun] : [done, begun];
    });
  }
}

const shownJob = ({ id, cmd, machine, created }: Job): object => ({
  jobid: id,
  cmd: `org.apache.cloudstack.api.command.user.${cmd}`,
  jobstatus: 0,
  created: timeText(created),
  jobinstancetype: 'VirtualMachine',
  jobinstanceid: machine.id,
});

/** A management server of its own. */
export async function serveCloudStack(): Promise<CloudStackDouble> {
  const server = new ManagementServer();
  const double = await serveDouble({
    act: (exchange) => server.act(exchange),
    isPower: ({ body }) => (new URLSearchParams(body).get('command') ?? '') in actions,
    say: (refusal) =>
      ({
        refuse: errorReply('any', 531, 'Acct[2] does not have permission to operate with resource'),
        throttle: errorReply(
          'any',
          429,
          'The given user has reached his/her account api limit, please retry after 650 ms.',
        ),
        expired: errorReply('any', 401, 'unable to verify user credentials and/or request signature'),
      })[refusal],
  });
  const failJobs = (fails: boolean): void => {
    server.failJobs = fails;
  };
  const { fleet, apiKey, secretKey } = server;
  return { ...double, url: `${double.url}/client/api`, fleet, apiKey, secretKey, failJobs };
}
