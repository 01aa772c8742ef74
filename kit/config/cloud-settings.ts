// Settings of cloud providers: one account of each kind by variables, any number by SLIPWAY_CLOUD_ACCOUNTS_FILE
// (cloud-accounts.ts merges both).
import { z } from 'zod';
import { isNeverHost } from '../addresses.ts';
import { file, listOf, optional, required, web, whole } from './setting.ts';

/** Comma-separated words. */
const words = listOf(
  z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be names such as ap-guangzhou, separated by commas'),
);

const withPlaces = (text: string): string => text.replace(/\{(?:service|region)\}/g, 'x');

/** Link-local addresses and metadata services are refused as mistakes. */
function isMetadata(text: string): boolean {
  const address = withPlaces(text);
  return URL.canParse(address) && isNeverHost(new URL(address).hostname);
}

/** An API's address; `{service}` and `{region}` are replaced. */
export const endpoint = (example: string) =>
  z
    .string()
    .refine(
      (text) => z.url({ protocol: /^https?$/ }).safeParse(withPlaces(text)).success,
      `must be an address such as ${example}`,
    )
    .refine((text) => !isMetadata(text), 'must not be a link-local address or a metadata service')
    .transform((text) => text.replace(/\/+$/, ''));

export const tencentEndpoint = 'https://{service}.tencentcloudapi.com';
export const aliyunEndpoint = 'https://ecs.{region}.aliyuncs.com';
const cloudstack = 'https://cloud.example.com/client/api';

const key = z.string();
const rate = (variable: string, fallback: string, provider: string) =>
  required(
    variable,
    whole('calls', 1, 10_000),
    fallback,
    `most calls a second of all workers to an account at ${provider}`,
  );
const cloudstackSettings = (prefix: string, which: string) => ({
  url: optional(
    `${prefix}_URL`,
    web(cloudstack).refine((text) => !isMetadata(text), 'must not be a link-local address or a metadata service'),
    'none',
    `address of the API of ${which}, such as ${cloudstack}`,
  ),
  apiKey: optional(`${prefix}_API_KEY`, key, 'none', `API key for ${which}`),
  secretKey: optional(`${prefix}_SECRET_KEY`, key, 'none', `secret key for ${which}`),
});
const online = cloudstackSettings('SLIPWAY_CLOUDSTACK', 'CloudStack');
const office = cloudstackSettings('SLIPWAY_CLOUDSTACK_OFFICE', 'the office CloudStack');

export const cloudSettings = {
  cloudAccountsFile: file(
    'SLIPWAY_CLOUD_ACCOUNTS_FILE',
    'none',
    'JSON file (mode 0600) of accounts at clouds, besides those of the variables below',
  ),
  tencentSecretId: optional('SLIPWAY_TENCENT_SECRET_ID', key, 'none', 'key id of an account at Tencent Cloud'),
  tencentSecretKey: optional('SLIPWAY_TENCENT_SECRET_KEY', key, 'none', 'its secret key'),
  tencentRegions: optional(
    'SLIPWAY_TENCENT_REGIONS',
    words,
    'none',
    'regions of its CVM machines, separated by commas',
  ),
  tencentCpmRegions: optional(
    'SLIPWAY_TENCENT_CPM_REGIONS',
    words,
    'none',
    'regions of its CPM (bare metal) machines, separated by commas',
  ),
  tencentEndpoint: required(
    'SLIPWAY_TENCENT_ENDPOINT',
    endpoint(tencentEndpoint),
    tencentEndpoint,
    'address of its API; `{service}` stands for `cvm` or `bm`',
  ),
  tencentRate: rate('SLIPWAY_TENCENT_RATE', '10', 'Tencent Cloud'),
  aliyunAccessKeyId: optional('SLIPWAY_ALIYUN_ACCESS_KEY_ID', key, 'none', 'key id of an account at Alibaba Cloud'),
  aliyunAccessKeySecret: optional('SLIPWAY_ALIYUN_ACCESS_KEY_SECRET', key, 'none', 'its secret'),
  aliyunRegions: optional('SLIPWAY_ALIYUN_REGIONS', words, 'none', 'regions of its ECS machines, separated by commas'),
  aliyunEndpoint: required(
    'SLIPWAY_ALIYUN_ENDPOINT',
    endpoint(aliyunEndpoint),
    aliyunEndpoint,
    'address of its API; `{region}` stands for the region',
  ),
  aliyunRate: rate('SLIPWAY_ALIYUN_RATE', '10', 'Alibaba Cloud'),
  cloudstackUrl: online.url,
  cloudstackApiKey: online.apiKey,
  cloudstackSecretKey: online.secretKey,
  cloudstackOfficeUrl: office.url,
  cloudstackOfficeApiKey: office.apiKey,
  cloudstackOfficeSecretKey: office.secretKey,
  cloudstackRate: rate('SLIPWAY_CLOUDSTACK_RATE', '10', 'CloudStack'),
  ipmi: required(
    'SLIPWAY_IPMI',
    z.enum(['on', 'off'], 'must be on or off').transform((text) => text === 'on'),
    'off',
    'whether physical hosts are powered by IPMI; workers need the program `ipmitool`',
  ),
  ipmitool: required('SLIPWAY_IPMITOOL', z.string(), 'ipmitool', 'the program `ipmitool`, by name or path'),
  ipmiRate: rate('SLIPWAY_IPMI_RATE', '20', 'management controllers'),
};
