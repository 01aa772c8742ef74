// Tencent Cloud's API v3 for CVM and BM, on one server: the service is the first word of the host. Every request's
// signature is verified; unknown actions, parameters, ids and regions are refused with the cloud's own codes.
import { randomUUID } from 'node:crypto';
import type { PowerAction } from '../../../activities/providers/cloud/driver.ts';
import { serveDouble } from './double.ts';
import type { Double, Exchange, DoubleReply } from './double.ts';
import { MachineFleet } from './fleet.ts';
import type { FleetMachine } from './fleet.ts';
import { tc3Signature } from './tc3-signature.ts';

/** An error that the API returns. */
class RefusedError extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

interface TencentKeys {
  account: string;
  secretId: string;
  secretKey: string;
}

export interface TencentDouble extends Double {
  cvm: MachineFleet;
  bm: MachineFleet;
  keys: TencentKeys[];
  /** `http://{service}.localhost:…` */
  endpoint: string;
  /** Makes tasks of BM end badly from now on, or well. */
  failJobs(fails: boolean): void;
}

const replyOf = (content: object): DoubleReply => ({
  status: 200,
  body: JSON.stringify({ Response: { ...content, RequestId: randomUUID() } }),
});
const errorReply = (code: string, text: string): DoubleReply => replyOf({ Error: { Code: code, Message: text } });

type Given = Readonly<Record<string, unknown>>;
interface Caller {
  account: string;
  region: string;
}

function onlyThese(given: Given, allowed: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !allowed.includes(key));
  if (unknown) throw new RefusedError('UnknownParameter', `The parameter \`${unknown}\` is not recognized.`);
}

function page(given: Given, all: FleetMachine[]): FleetMachine[] {
  const { Offset: offset = 0, Limit: limit = 20 } = given;
  if (typeof offset !== 'number' || typeof limit !== 'number' || limit < 1 || limit > 100)
    throw new RefusedError('InvalidParameterValue.Range', 'The value range of the parameter `Limit` is [1, 100].');
  return all.slice(offset, offset + limit);
}

/** The machines of this caller, or those of these ids. */
function machinesOf(fleet: MachineFleet, given: Given, { account, region }: Caller, strict: boolean): FleetMachine[] {
  const own = [...fleet.machines.values()].filter((one) => one.account === account && one.region === region);
  const ids = given['InstanceIds'];
  if (ids === undefined) return own;
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > 100)
    throw new RefusedError('InvalidParameterValue.LimitExceeded', 'InstanceIds must hold 1 to 100 ids.');
  const found = own.filter(({ id }) => ids.includes(id));
  if (strict && found.length < ids.length)
    throw new RefusedError('InvalidInstanceId.NotFound', `The specified InstanceId \`${ids.join(',')}\` is not found.`);
  return found;
}

const cvmStates = {
  running: 'RUNNING',
  stopped: 'STOPPED',
  starting: 'STARTING',
  stopping: 'STOPPING',
  restarting: 'REBOOTING',
};
const cvmOperations = { start: 'StartInstances', stop: 'StopInstances', restart: 'RebootInstances' };

const shownInstance = ({ id, name, region, address, state, last, next }: FleetMachine): object => ({
  InstanceId: id,
  InstanceName: name,
  InstanceState: cvmStates[state],
  Placement: { Zone: `${region}-3` },
  PrivateIpAddresses: [address],
  PublicIpAddresses: null,
  CPU: 4,
  Memory: 8,
  OsName: 'TencentOS Server 3.1',
  LatestOperation: last ? cvmOperations[last.action] : 'RunInstances',
  LatestOperationState: next ? 'OPERATING' : 'SUCCESS',
  LatestOperationRequestId: last?.request ?? `run-${id}`,
});

function cvm(fleet: MachineFleet, action: string, given: Given, caller: Caller): DoubleReply {
  const power = Object.entries(cvmOperations).find(([, name]) => name === action)?.[0] as PowerAction | undefined;
  if (power) {
    onlyThese(given, power === 'start' ? ['InstanceIds'] : ['InstanceIds', 'StopType']);
    const { StopType: how } = given;
    if (how !== undefined && how !== 'SOFT' && how !== 'HARD' && how !== 'SOFT_FIRST')
      throw new RefusedError('InvalidParameterValue', 'The value of `StopType` is not valid.');
    for (const machine of machinesOf(fleet, given, caller, true)) {
      if (!fleet.allows(machine, power))
        throw new RefusedError('UnsupportedOperation.InstanceState', `Instance ${machine.id} is ${machine.state}.`);
      fleet.begin(machine, power, how === 'HARD', randomUUID());
    }
    return replyOf({});
  }
  if (action !== 'DescribeInstances') throw new RefusedError('InvalidAction', `The action ${action} does not exist.`);
  onlyThese(given, ['InstanceIds', 'Offset', 'Limit']);
  const all = machinesOf(fleet, given, caller, true);
  const shown = page(given, all).map((one) => shownInstance(fleet.look(one)));
  return replyOf({ TotalCount: all.length, InstanceSet: shown });
}

const bmStates = { running: 1, stopping: 2, stopped: 3, starting: 5, restarting: 7 };
const bmActions = { start: 'StartDevices', stop: 'ShutdownDevices', restart: 'RebootDevices' };

const shownDevice = ({ id, name, region, address, state }: FleetMachine): object => ({
  InstanceId: id,
  Alias: name,
  DeviceStatus: 4,
  OperateStatus: bmStates[state],
  Zone: `${region}-bls-1`,
  LanIp: address,
  WanIp: '',
  VpcId: 'vpc-1',
  DeviceClassCode: 'M10',
});

interface Task {
  id: number;
  machine: FleetMachine;
  action: PowerAction;
  fails: boolean;
}

const chinese = (time: Date): string =>
  new Date(time.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');

class BareMetal {
  readonly fleet = new MachineFleet();
  readonly tasks: Task[] = [];
  failJobs = false;

  run(action: string, given: Given, caller: Caller): DoubleReply {
    const power = Object.entries(bmActions).find(([, name]) => name === action)?.[0] as PowerAction | undefined;
    if (power) return this.#power(power, given, caller);
    switch (action) {
      case 'DescribeDevices': {
        onlyThese(given, ['InstanceIds', 'Offset', 'Limit']);
        if (given['Offset'] === undefined || given['Limit'] === undefined)
          throw new RefusedError('MissingParameter', 'The request is missing `Offset` or `Limit`.');
        const all = machinesOf(this.fleet, given, caller, false);
        const shown = page(given, all).map((one) => shownDevice(this.fleet.look(one)));
        return replyOf({ TotalCount: all.length, DeviceInfoSet: shown });
      }
      case 'DescribeOperationResult':
        return this.#result(given);
      case 'DescribeDeviceOperationLog':
        return this.#log(given);
      default:
        throw new RefusedError('InvalidAction', `The action ${action} does not exist.`);
    }
  }

  #power(action: PowerAction, given: Given, caller: Caller): DoubleReply {
    onlyThese(given, ['InstanceIds']);
    const [machine] = machinesOf(this.fleet, given, caller, true);
    if (!machine || !this.fleet.allows(machine, action))
      throw new RefusedError('OperationDenied', 'The device is not in a state that allows this.');
    const task = { id: 100_000 + this.tasks.length, machine, action, fails: this.failJobs };
    this.tasks.unshift(task);
    this.fleet.begin(machine, action, false, String(task.id));
    return replyOf({ TaskId: task.id });
  }

  #result(given: Given): DoubleReply {
    onlyThese(given, ['TaskId']);
    const task = this.tasks.find(({ id }) => id === given['TaskId']);
    if (!task) throw new RefusedError('ResourceNotFound', 'The task does not exist.');
    this.fleet.look(task.machine);
    return replyOf({ TaskStatus: task.machine.next ? 4 : task.fails ? 2 : 1, SubtaskStatusSet: [] });
  }

  #log(given: Given): DoubleReply {
    onlyThese(given, ['InstanceId', 'Offset', 'Limit', 'StartTime', 'EndTime']);
    const entries = this.tasks
      .filter(({ machine }) => machine.id === given['InstanceId'])
      .map(({ id, machine, action }) => ({
        Id: id,
        InstanceId: machine.id,
        TaskId: id,
        TaskName: { start: 'start', stop: 'shutdown', restart: 'reboot' }[action],
        TaskDescription: { start: '开机', stop: '关机', restart: '重启' }[action],
        Status: machine.next ? 0 : 1,
        StartTime: chinese(machine.last?.time ?? new Date()),
      }));
    return replyOf({ TotalCount: entries.length, DeviceOperationLogSet: entries });
  }
}

const regions = ['ap-guangzhou', 'ap-shanghai', 'ap-beijing'];
const versions: Record<string, string> = { cvm: '2017-03-12', bm: '2018-04-23' };

/** Who calls, for which region: what the signature proves. */
function verify({ method, url, headers, body }: Exchange, service: string, keys: readonly TencentKeys[]): Caller {
  const header = (name: string): string => String(headers[name] ?? '');
  const parts =
    /^TC3-HMAC-SHA256 Credential=([^/]+)\/([\d-]+)\/(\w+)\/tc3_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      header('authorization'),
    );
  if (!parts) throw new RefusedError('AuthFailure.InvalidAuthorization', 'The Authorization header is not valid.');
  const [, secretId = '', date, signedService, signed = '', signature] = parts;
  const key = keys.find((one) => one.secretId === secretId);
  if (!key) throw new RefusedError('AuthFailure.SecretIdNotFound', 'The SecretId is not found.');
  const timestamp = Number(header('x-tc-timestamp'));
  if (Math.abs(Date.now() / 1000 - timestamp) > 300)
    throw new RefusedError('AuthFailure.SignatureExpire', 'The signature expired.');
  const signedHeaders = signed.split(';');
  const needed = ['content-type', 'host'].every((name) => signedHeaders.includes(name));
  // The SDK signs the host without its port.
  const flat = { ...Object.fromEntries(Object.keys(headers).map((name) => [name, header(name)])), host: url.hostname };
  const request = {
    method,
    query: url.search.slice(1),
    headers: flat,
    signedHeaders,
    payload: body,
    timestamp,
    service,
  };
  const isRight = signature === tc3Signature(request, key.secretKey);
  const isDate = date === new Date(timestamp * 1000).toISOString().slice(0, 10);
  if (!needed || !isRight || !isDate || signedService !== service)
    throw new RefusedError('AuthFailure.SignatureFailure', 'The provided credentials could not be validated.');
  if (header('x-tc-version') !== versions[service]) throw new RefusedError('NoSuchVersion', 'No such version.');
  const region = header('x-tc-region');
  if (!regions.includes(region)) throw new RefusedError('UnsupportedRegion', `The region ${region} is not supported.`);
  return { account: key.account, region };
}

/** Both services with the accounts `main` and `games`. */
export async function serveTencent(): Promise<TencentDouble> {
  const fleet = new MachineFleet();
  const bm = new BareMetal();
  const keys = ['main', 'games'].map((account) => ({
    account,
    secretId: `AKID${randomUUID().replaceAll('-', '')}`,
    secretKey: `hush${randomUUID()}`,
  }));
  const powerActions = [...Object.values(cvmOperations), ...Object.values(bmActions)];
  const double = await serveDouble({
    isPower: ({ headers }) => powerActions.includes(String(headers['x-tc-action'])),
    act: (exchange) => {
      try {
        const service = exchange.url.hostname.split('.')[0] ?? '';
        const caller = verify(exchange, service, keys);
        const given = JSON.parse(exchange.body) as Given;
        const action = String(exchange.headers['x-tc-action']);
        return service === 'cvm' ? cvm(fleet, action, given, caller) : bm.run(action, given, caller);
      } catch (error) {
        if (error instanceof RefusedError) return errorReply(error.code, error.message);
        throw error;
      }
    },
    say: (refusal) =>
      ({
        refuse: errorReply('UnauthorizedOperation', 'You are not authorized to perform this operation.'),
        throttle: errorReply('RequestLimitExceeded', 'Your current request times equals to `20` in a second.'),
        expired: errorReply('AuthFailure.TokenFailure', 'The token has expired.'),
      })[refusal],
  });
  const failJobs = (fails: boolean): void => {
    bm.failJobs = fails;
  };
  return { ...double, cvm: fleet, bm: bm.fleet, keys, failJobs, endpoint: `http://{service}.localhost:${double.port}` };
}
