import type { AliyunAccount, CloudStackAccount, TencentAccount } from '../../../kit/config/cloud-accounts.ts';
import type { Config } from '../../../kit/config/config.ts';
import { cloudTypes } from '../../../kit/config/cloud-types.ts';
import { createAliyunEcs } from './aliyun-ecs.ts';
import type { RatePacer } from '../../../db/coordination/rate-pacer.ts';
import type { CallOptions } from './calls.ts';
import { createCloudStack } from './cloudstack.ts';
import type { CloudDriver, Clouds } from './driver.ts';
import { createIpmi } from './ipmi.ts';
import { ownTurns } from './rate.ts';
import { createTencentCpm } from './tencent-cpm.ts';
import { createTencentCvm } from './tencent-cvm.ts';
import type { HostType } from '../../../workflows/hosts/contract.ts';

type CloudConfig = Pick<
  Config,
  'cloudAccounts' | 'tencentRate' | 'aliyunRate' | 'cloudstackRate' | 'ipmi' | 'ipmitool' | 'ipmiRate'
>;

/** Options of the drivers' calls. */
type Wire = Pick<CallOptions, 'timeoutMs'> & { turns: RatePacer };

const cloudstackKeys = (prefix: string): string => `${prefix}_API_KEY and ${prefix}_SECRET_KEY`;

const factories: Record<HostType, (config: CloudConfig & { wire: Wire }) => CloudDriver> = {
  TECENT_CVM: ({ cloudAccounts, tencentRate: rate, wire }) =>
    createTencentCvm(
      cloudAccounts.filter((one): one is TencentAccount => one.type === 'tencent-cvm'),
      { rate, ...wire },
    ),
  TECENT_CPM: ({ cloudAccounts, tencentRate: rate, wire }) =>
    createTencentCpm(
      cloudAccounts.filter((one): one is TencentAccount => one.type === 'tencent-cpm'),
      { rate, ...wire },
    ),
  ALI_ECS: ({ cloudAccounts, aliyunRate: rate, wire }) =>
    createAliyunEcs(
      cloudAccounts.filter((one): one is AliyunAccount => one.type === 'aliyun-ecs'),
      { rate, ...wire },
    ),
  CLOUDSTACK: ({ cloudAccounts, cloudstackRate: rate, wire }) => {
    const accounts = cloudAccounts.filter((one): one is CloudStackAccount => one.type === 'cloudstack');
    return createCloudStack('CloudStack', accounts, cloudstackKeys('SLIPWAY_CLOUDSTACK'), { rate, ...wire });
  },
  CLOUDSTACK_OFFICE: ({ cloudAccounts, cloudstackRate: rate, wire }) => {
    const accounts = cloudAccounts.filter((one): one is CloudStackAccount => one.type === 'cloudstack-office');
    return createCloudStack('CloudStack (office)', accounts, cloudstackKeys('SLIPWAY_CLOUDSTACK_OFFICE'), {
      rate,
      ...wire,
    });
  },
  PHY_HOST: ({ ipmitool: program, ipmiRate: rate, wire }) => createIpmi({ program, rate, ...wire }),
};

/** Creates the configured drivers; `turns` paces their calls over all workers, otherwise each process paces its own. */
export function createClouds(config: CloudConfig, wire: Partial<Wire> = {}): Clouds {
  const types = (Object.keys(factories) as HostType[]).filter((type) => cloudTypes[type].isSet(config));
  return Object.fromEntries(
    types.map((type) => [type, factories[type]({ ...config, wire: { turns: ownTurns, ...wire } })]),
  );
}
