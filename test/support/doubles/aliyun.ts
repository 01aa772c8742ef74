// Alibaba Cloud's ECS as far as power and lists of machines go: signature V3 on every request, next tokens, its own codes.
import { randomUUID } from 'node:crypto';
import type { PowerAction } from '../../../activities/providers/cloud/driver.ts';
import { acs3Signature } from './acs3-signature.ts';
import { serveDouble } from './double.ts';
import type { Double, Exchange, DoubleReply } from './double.ts';
import { MachineFleet } from './fleet.ts';
import type { FleetMachine } from './fleet.ts';

class RefusedError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, text: string) {
    super(text);
    this.status = status;
    this.code = code;
  }
}

interface AliyunKeys {
  account: string;
  accessKeyId: string;
  accessKeySecret: string;
}

export interface AliyunDouble extends Double {
  fleet: MachineFleet;
  keys: AliyunKeys[];
}

const errorReply = (status: number, code: string, text: string, headers: Record<string, string> = {}): DoubleReply => ({
  status,
  headers: { 'content-type': 'application/json;charset=utf-8', ...headers },
  body: JSON.stringify({ RequestId: randomUUID(), HostId: 'ecs.aliyuncs.com', Code: code, Message: text }),
});

const actions: Record<string, PowerAction> = {
  StartInstance: 'start',
  StopInstance: 'stop',
  RebootInstance: 'restart',
};
const words = {
  running: 'Running',
  stopped: 'Stopped',
  starting: 'Starting',
  stopping: 'Stopping',
  restarting: 'Stopping',
};
const regions = ['cn-hangzhou', 'cn-beijing'];
const long = new Date(Date.now() - 3_600_000);

const shown = ({ id, name, region, address, state, last }: FleetMachine): object => ({
  InstanceId: id,
  InstanceName: name,
  Status: words[state],
  RegionId: region,
  ZoneId: `${region}-b`,
  Cpu: 4,
  Memory: 8192,
  OSName: 'Alibaba Cloud Linux 3',
  OSType: 'linux',
  VpcAttributes: { PrivateIpAddress: { IpAddress: [address] } },
  PublicIpAddress: { IpAddress: [] },
  EipAddress: { IpAddress: '' },
  InnerIpAddress: { IpAddress: [] },
  StartTime: `${(last?.time ?? long).toISOString().slice(0, 16)}Z`,
});

const own = (fleet: MachineFleet, account: string, region?: string): FleetMachine[] =>
  [...fleet.machines.values()].filter(
    (one) => one.account === account && (region === undefined || one.region === region),
  );

function onlyThese(query: URLSearchParams, allowed: readonly string[]): void {
  const unknown = [...query.keys()].find((key) => !allowed.includes(key));
  if (unknown) throw new RefusedError(400, 'InvalidParameter', `The parameter ${unknown} is not known here.`);
}

function describe(fleet: MachineFleet, account: string, query: URLSearchParams): object {
  onlyThese(query, ['RegionId', 'InstanceIds', 'MaxResults', 'NextToken']);
  const region = query.get('RegionId') ?? '';
  if (!regions.includes(region))
    throw new RefusedError(404, 'InvalidRegionId.NotFound', 'The RegionId does not exist.');
  const all = own(fleet, account, region);
  const ids = query.get('InstanceIds');
  const wanted = ids === null ? all : all.filter(({ id }) => (JSON.parse(ids) as string[]).includes(id));
  const size = Number(query.get('MaxResults') ?? 10);
  if (size < 1 || size > 100) throw new RefusedError(400, 'InvalidParameter.MaxResults', 'MaxResults is 1 to 100.');
  const token = query.get('NextToken');
  const from = token === null ? 0 : Number(Buffer.from(token, 'base64').toString());
  if (!Number.isInteger(from)) throw new RefusedError(400, 'InvalidParameter.NextToken', 'The NextToken is not valid.');
  const part = wanted.slice(from, from + size);
  const end = from + part.length;
  return {
    TotalCount: wanted.length,
    NextToken: end < wanted.length ? Buffer.from(String(end)).toString('base64') : '',
    Instances: { Instance: part.map((one) => shown(fleet.look(one))) },
  };
}

function power(fleet: MachineFleet, account: string, action: PowerAction, query: URLSearchParams): object {
  onlyThese(query, action === 'start' ? ['InstanceId'] : ['InstanceId', 'ForceStop']);
  const machine = own(fleet, account).find(({ id }) => id === query.get('InstanceId'));
  if (!machine) throw new RefusedError(404, 'InvalidInstanceId.NotFound', 'The specified InstanceId does not exist.');
  if (!fleet.allows(machine, action))
    throw new RefusedError(
      403,
      'IncorrectInstanceStatus',
      'The current status of the resource does not support this operation.',
    );
  fleet.begin(machine, action, query.get('ForceStop') === 'true', randomUUID());
  return {};
}

/** The account that the signature proves. */
function verify({ method, url, headers, body }: Exchange, keys: readonly AliyunKeys[], used: Set<string>): string {
  const flat = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const parts = /^ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})$/.exec(
    flat['authorization'] ?? '',
  );
  if (!parts) throw new RefusedError(400, 'MissingAuthorization', 'The Authorization header is not valid.');
  const [, accessKeyId, signed = '', signature] = parts;
  const key = keys.find((one) => one.accessKeyId === accessKeyId);
  if (!key) throw new RefusedError(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
  const signedHeaders = signed.split(';');
  const needed = Object.keys(flat).filter((name) => name === 'host' || name.startsWith('x-acs-'));
  const request = { method, query: url.searchParams, headers: flat, signedHeaders, payload: body };
  if (
    !needed.every((name) => signedHeaders.includes(name)) ||
    signature !== acs3Signature(request, key.accessKeySecret)
  )
    throw new RefusedError(400, 'SignatureDoesNotMatch', 'Specified signature is not matched with our calculation.');
  const late = Math.abs(Date.now() - Date.parse(flat['x-acs-date'] ?? '')) > 15 * 60_000;
  if (late) throw new RefusedError(400, 'InvalidTimeStamp.Expired', 'Specified time stamp or date value is expired.');
  const nonce = flat['x-acs-signature-nonce'] ?? '';
  if (nonce === '' || used.has(nonce))
    throw new RefusedError(400, 'SignatureNonceUsed', 'Specified signature nonce was used.');
  used.add(nonce);
  if (flat['x-acs-version'] !== '2014-05-26')
    throw new RefusedError(400, 'InvalidVersion', 'Specified version is not valid.');
  return key.account;
}

function act(exchange: Exchange, fleet: MachineFleet, keys: readonly AliyunKeys[], used: Set<string>): DoubleReply {
  try {
    const account = verify(exchange, keys, used);
    const name = String(exchange.headers['x-acs-action']);
    const action = actions[name];
    const query = exchange.url.searchParams;
    if (!action && name !== 'DescribeInstances')
      throw new RefusedError(404, 'InvalidAction.NotFound', 'Specified api is not found.');
    const answer = action ? power(fleet, account, action, query) : describe(fleet, account, query);
    return { status: 200, body: JSON.stringify({ RequestId: randomUUID(), ...answer }) };
  } catch (error) {
    if (error instanceof RefusedError) return errorReply(error.status, error.code, error.message);
    throw error;
  }
}

/** ECS with the accounts `main` and `games`. */
export async function serveAliyun(): Promise<AliyunDouble> {
  const fleet = new MachineFleet();
  const used = new Set<string>();
  const keys = ['main', 'games'].map((account) => ({
    account,
    accessKeyId: `LTAI${randomUUID().slice(0, 8)}`,
    accessKeySecret: `hush${randomUUID()}`,
  }));
  const double = await serveDouble({
    isPower: ({ headers }) => String(headers['x-acs-action']) in actions,
    act: (exchange) => act(exchange, fleet, keys, used),
    say: (refusal) =>
      ({
        refuse: errorReply(403, 'Forbidden.RAM', 'User not authorized to operate on the specified resource.'),
        throttle: errorReply(400, 'Throttling.User', 'Request was denied due to user flow control.', {
          'x-acs-retry-after': '700',
        }),
        expired: errorReply(400, 'InvalidSecurityToken.Expired', 'Specified SecurityToken is expired.'),
      })[refusal],
  });
  return { ...double, fleet, keys };
}
