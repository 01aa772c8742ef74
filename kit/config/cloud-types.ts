// The configuration that each host type requires: one table for the API, which refuses early and names the variable, and for
// workers, which create the drivers.
import type { CloudAccount } from './cloud-accounts.ts';

interface CloudConfig {
  readonly cloudAccounts: readonly CloudAccount[];
  readonly ipmi: boolean;
}

interface CloudType {
  /** The variable that is named when machines of this type can't be driven. */
  variable: string;
  isSet(config: CloudConfig): boolean;
}

const accounts = (variable: string, type: CloudAccount['type']): CloudType => ({
  variable,
  isSet: ({ cloudAccounts }) => cloudAccounts.some((one) => one.type === type),
});

/** By host type of the inventory. */
export const cloudTypes = {
  TECENT_CVM: accounts('SLIPWAY_TENCENT_SECRET_ID', 'tencent-cvm'),
  TECENT_CPM: accounts('SLIPWAY_TENCENT_CPM_REGIONS', 'tencent-cpm'),
  ALI_ECS: accounts('SLIPWAY_ALIYUN_ACCESS_KEY_ID', 'aliyun-ecs'),
  CLOUDSTACK: accounts('SLIPWAY_CLOUDSTACK_URL', 'cloudstack'),
  CLOUDSTACK_OFFICE: accounts('SLIPWAY_CLOUDSTACK_OFFICE_URL', 'cloudstack-office'),
  PHY_HOST: { variable: 'SLIPWAY_IPMI', isSet: ({ ipmi }) => ipmi },
} satisfies Record<string, CloudType>;
