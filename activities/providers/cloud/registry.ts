import type { AliyunAccount, CloudStackAccount, TencentAccount } from '../../../kit/cloud-accounts.ts';
import type { Config } from '../../../kit/config.ts';
import { cloudTypes } from '../../../kit/cloud-types.ts';
import { createAliyunEcs } from './aliyun-ecs.ts';
import type { Turns } from '../../../db/turns.ts';
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

const cloudstackKeys = (prefix: string): string => `${prefix}_API_KEY and ${prefix}_SECRET_KEY`;

const factories: Record<HostType, (config: CloudConfig & { turns: Turns }) => CloudDriver> = {
  TECENT_CVM: ({ cloudAccounts, tencentRate: rate, turns }) =>
    createTencentCvm(
      cloudAccounts.filter((one): one is TencentAccount => one.type === 'tencent-cvm'),
      { rate, turns },
    ),
  TECENT_CPM: ({ cloudAccounts, tencentRate: rate, turns }) =>
    createTencentCpm(
      cloudAccounts.filter((one): one is TencentAccount => one.type === 'tencent-cpm'),
      { rate, turns },
    ),
  ALI_ECS: ({ cloudAccounts, aliyunRate: rate, turns }) =>
    createAliyunEcs(
      cloudAccounts.filter((one): one is AliyunAccount => one.type === 'aliyun-ecs'),
      { rate, turns },
    ),
  CLOUDSTACK: ({ cloudAccounts, cloudstackRate: rate, turns }) => {
    const accounts = cloudAccounts.filter((one): one is CloudStackAccount => one.type === 'cloudstack');
    return createCloudStack('CloudStack', accounts, cloudstackKeys('SLIPWAY_CLOUDSTACK'), { rate, turns });
  },
  CLOUDSTACK_OFFICE: ({ cloudAccounts, cloudstackRate: rate, turns }) => {
    const accounts = cloudAccounts.filter((one): one is CloudStackAccount => one.type === 'cloudstack-office');
    return createCloudStack('CloudStack (office)', accounts, cloudstackKeys('SLIPWAY_CLOUDSTACK_OFFICE'), {
      rate,
      turns,
    });
  },
  PHY_HOST: ({ ipmitool: program, ipmiRate: rate, turns }) => createIpmi({ program, rate, turns }),
};

/** The drivers that the configuration allows; they keep its rates by `turns`, without them each by itself. */
export function createClouds(config: CloudConfig, turns: Turns = ownTurns): Clouds {
  const types = (Object.keys(factories) as HostType[]).filter((type) => cloudTypes[type].isSet(config));
  return Object.fromEntries(types.map((type) => [type, factories[type]({ ...config, turns })]));
}
