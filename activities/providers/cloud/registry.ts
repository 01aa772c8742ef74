import type { AliyunAccount, CloudStackAccount, TencentAccount } from '../../../kit/cloud-accounts.ts';
import type { Config } from '../../../kit/config.ts';
import { cloudTypes } from '../../../kit/cloud-types.ts';
import { createAliyunEcs } from './aliyun-ecs.ts';
import { createCloudStack } from './cloudstack.ts';
import type { CloudDriver, Clouds } from './driver.ts';
import { createIpmi } from './ipmi.ts';
import { createTencentCpm } from './tencent-cpm.ts';
import { createTencentCvm } from './tencent-cvm.ts';
import type { HostType } from '../../../workflows/hosts/contract.ts';

type CloudConfig = Pick<
  Config,
  'cloudAccounts' | 'tencentRate' | 'aliyunRate' | 'cloudstackRate' | 'ipmi' | 'ipmitool' | 'ipmiRate'
>;

const cloudstackKeys = (prefix: string): string => `${prefix}_API_KEY and ${prefix}_SECRET_KEY`;

const factories: Record<HostType, (config: CloudConfig) => CloudDriver> = {
  TECENT_CVM: ({ cloudAccounts, tencentRate: rate }) =>
    createTencentCvm(
      cloudAccounts.filter((one): one is TencentAccount => one.type === 'tencent-cvm'),
      { rate },
    ),
  TECENT_CPM: ({ cloudAccounts, tencentRate: rate }) =>
    createTencentCpm(
      cloudAccounts.filter((one): one is TencentAccount => one.type === 'tencent-cpm'),
      { rate },
    ),
  ALI_ECS: ({ cloudAccounts, aliyunRate: rate }) =>
    createAliyunEcs(
      cloudAccounts.filter((one): one is AliyunAccount => one.type === 'aliyun-ecs'),
      { rate },
    ),
  CLOUDSTACK: ({ cloudAccounts, cloudstackRate: rate }) => {
    const accounts = cloudAccounts.filter((one): one is CloudStackAccount => one.type === 'cloudstack');
    return createCloudStack('CloudStack', accounts, cloudstackKeys('SLIPWAY_CLOUDSTACK'), { rate });
  },
  CLOUDSTACK_OFFICE: ({ cloudAccounts, cloudstackRate: rate }) => {
    const accounts = cloudAccounts.filter((one): one is CloudStackAccount => one.type === 'cloudstack-office');
    return createCloudStack('CloudStack (office)', accounts, cloudstackKeys('SLIPWAY_CLOUDSTACK_OFFICE'), { rate });
  },
  PHY_HOST: ({ ipmitool: program, ipmiRate: rate }) => createIpmi({ program, rate }),
};

/** The drivers that the configuration allows. */
export function createClouds(config: CloudConfig): Clouds {
  const types = (Object.keys(factories) as HostType[]).filter((type) => cloudTypes[type].isSet(config));
  return Object.fromEntries(types.map((type) => [type, factories[type](config)]));
}
