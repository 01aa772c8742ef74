// A Slipway on the real drivers of all four clouds, each at its protocol double: for tests of what becomes of host tasks
// when a provider is in trouble.
import type { PowerAction } from '../../../activities/providers/cloud/driver.ts';
import { createClouds } from '../../../activities/providers/cloud/registry.ts';
import { createMemoryRunner, createMemoryWorld } from '../../../activities/providers/runner/memory.ts';
import type { CloudAccount } from '../../../kit/config/cloud-accounts.ts';
import { parseConfig } from '../../../kit/config/config.ts';
import type { HostType } from '../../../workflows/hosts/contract.ts';
import { admitHosts } from '../api/app.ts';
import type { TestUser } from '../api/app.ts';
import { serveAliyun } from '../doubles/aliyun.ts';
import { serveCloudStack } from '../doubles/cloudstack.ts';
import type { Double } from '../doubles/double.ts';
import type { MachineFleet as Machines } from '../doubles/fleet.ts';
import { serveTencent } from '../doubles/tencent.ts';
import type { TencentDouble } from '../doubles/tencent.ts';
import { unique } from '../harness.ts';
import { testWorld } from '../world.ts';
import type { World } from '../world.ts';
import type { FleetHost } from './fleet.ts';

export type CloudName = 'TECENT_CVM' | 'TECENT_CPM' | 'ALI_ECS' | 'CLOUDSTACK';

interface Provider {
  double: Double;
  machines: Machines;
  region: string;
}

export interface CloudsWorld extends World {
  admin: TestUser;
  providers: Record<CloudName, Provider>;
  /** What must be in no answer. */
  secrets: readonly string[];
  hosts(type: CloudName, count: number, state?: 'running' | 'stopped'): Promise<FleetHost[]>;
  begunOn(type: CloudName, host: FleetHost): PowerAction[];
  mend(): void;
}

const region = { tencent: 'ap-guangzhou', aliyun: 'cn-hangzhou', cloudstack: 'zone-1' };

type Wrong = readonly HostType[];

const tencentAccount = (
  type: 'tencent-cvm' | 'tencent-cpm',
  { keys: [keys], endpoint }: TencentDouble,
  ill: string,
) => ({
  type,
  name: 'default',
  regions: [region.tencent],
  endpoint,
  secretId: keys?.secretId ?? '',
  secretKey: `${keys?.secretKey ?? ''}${ill}`,
});

/** All four providers, the accounts that lead to them, and their keys. */
async function serveClouds(wrongKeys: Wrong) {
  const [cvm, cpm, ecs, stack] = [
    await serveTencent(),
    await serveTencent(),
    await serveAliyun(),
    await serveCloudStack(),
  ];
  const ill = (type: HostType): string => (wrongKeys.includes(type) ? 'x' : '');
  const [key] = ecs.keys;
  const cloudAccounts: CloudAccount[] = [
    tencentAccount('tencent-cvm', cvm, ill('TECENT_CVM')),
    tencentAccount('tencent-cpm', cpm, ill('TECENT_CPM')),
    {
      type: 'aliyun-ecs',
      name: 'default',
      regions: [region.aliyun],
      endpoint: ecs.url,
      accessKeyId: key?.accessKeyId ?? '',
      accessKeySecret: `${key?.accessKeySecret ?? ''}${ill('ALI_ECS')}`,
    },
    {
      type: 'cloudstack',
      name: 'default',
      endpoint: stack.url,
      apiKey: stack.apiKey,
      secretKey: `${stack.secretKey}${ill('CLOUDSTACK')}`,
    },
  ];
  const providers: Record<CloudName, Provider> = {
    TECENT_CVM: { double: cvm, machines: cvm.cvm, region: region.tencent },
    TECENT_CPM: { double: cpm, machines: cpm.bm, region: region.tencent },
    ALI_ECS: { double: ecs, machines: ecs.fleet, region: region.aliyun },
    CLOUDSTACK: { double: stack, machines: stack.fleet, region: region.cloudstack },
  };
  const secrets = [
    ...[...cvm.keys, ...cpm.keys].flatMap(({ secretId, secretKey }) => [secretId, secretKey]),
    ...ecs.keys.flatMap(({ accessKeyId, accessKeySecret }) => [accessKeyId, accessKeySecret]),
    stack.apiKey,
    stack.secretKey,
  ];
  return { cloudAccounts, providers, secrets };
}

/** `wrongKeys`: types for which Slipway has another secret than the provider. */
export async function testClouds({ patience = 600, wrongKeys = [] as Wrong } = {}): Promise<CloudsWorld> {
  const { cloudAccounts, providers, secrets } = await serveClouds(wrongKeys);
  const doubles = Object.values(providers).map(({ double }) => double);
  const runner = createMemoryRunner(createMemoryWorld());
  const settings = { cloudAccounts, tencentRate: 500, aliyunRate: 500, cloudstackRate: 500 };
  // Otherwise as the worker makes them; a provider that does not answer is given up after 2 s instead of 10.
  const drivers = createClouds({ ...parseConfig({}), ...settings }, { timeoutMs: 2_000 });
  const world = await testWorld({
    env: { SLIPWAY_HOST_PATIENCE_SECONDS: String(patience), SLIPWAY_HOST_SILENCE_SECONDS: '1' },
    settings: { saltUrl: 'http://salt.example.com', ...settings },
    providers: { runners: { salt: runner }, clouds: drivers },
  });
  const aHost = async (type: CloudName, state: 'running' | 'stopped'): Promise<FleetHost> => {
    const name = `i-${unique()}`;
    providers[type].machines.add({ id: name, state, region: providers[type].region });
    await runner.prepare({ name, runner: 'salt', address: null });
    const { id } = await world.db
      .insertInto('hosts')
      .values({ name, hostType: type, providerId: name, osStatus: state, status: 'inited', creator: 'test' })
      .returning('id')
      .executeTakeFirstOrThrow();
    await admitHosts(world.db, [id]);
    return { id, name };
  };
  return {
    ...world,
    providers,
    secrets,
    admin: await world.user({ admin: true }),
    hosts: (type, count, state = 'running') => Promise.all(Array.from({ length: count }, () => aHost(type, state))),
    begunOn: (type, { name }) => providers[type].machines.begunOn(name),
    mend: () => doubles.forEach((double) => double.mend()),
    close: async () => {
      await world.close();
      await Promise.all(doubles.map((double) => double.close()));
    },
  };
}
