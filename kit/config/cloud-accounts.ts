// Cloud accounts from variables and from the file, in one list. Decides for API and workers which accounts drive each host
// type, and what is missing otherwise.
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { aliyunEndpoint, endpoint, tencentEndpoint, type cloudSettings } from './cloud-settings.ts';
import { settings } from './settings.ts';

const name = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be at most 64 letters, digits, dots, dashes or underscores');
const secret = z.string().min(1, 'must not be empty');
const region = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'must be a region such as ap-guangzhou');
const regions = z.array(region).min(1, 'must name a region');
const tencent = {
  name,
  regions,
  endpoint: endpoint(tencentEndpoint).default(tencentEndpoint),
  secretId: secret,
  secretKey: secret,
};
const cloudstack = {
  name,
  endpoint: endpoint('https://cloud.example.com/client/api'),
  apiKey: secret,
  secretKey: secret,
};

const tencentAccount = z.strictObject({ type: z.enum(['tencent-cvm', 'tencent-cpm']), ...tencent });
const aliyunAccount = z.strictObject({
  type: z.literal('aliyun-ecs'),
  name,
  regions,
  endpoint: endpoint(aliyunEndpoint).default(aliyunEndpoint),
  accessKeyId: secret,
  accessKeySecret: secret,
});
const cloudstackAccount = z.strictObject({ type: z.enum(['cloudstack', 'cloudstack-office']), ...cloudstack });
const account = z.discriminatedUnion('type', [tencentAccount, aliyunAccount, cloudstackAccount]);

export type TencentAccount = z.output<typeof tencentAccount>;
export type AliyunAccount = z.output<typeof aliyunAccount>;
export type CloudStackAccount = z.output<typeof cloudstackAccount>;
/** One account at a provider, named by the operator; unique among accounts of its type. */
export type CloudAccount = z.output<typeof account>;

/** Accounts, and the mistakes in their configuration: one line each, naming the variable and no value. */
interface FoundAccounts {
  accounts: CloudAccount[];
  mistakes: string[];
}

const fileVariable = 'SLIPWAY_CLOUD_ACCOUNTS_FILE';

/** Reads the accounts' file, which must be readable by its owner only. */
export function readAccounts(path: string): FoundAccounts {
  const wrong = (...mistakes: string[]) => ({
    accounts: [],
    mistakes: mistakes.map((one) => `${fileVariable}: ${one}`),
  });
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) return wrong('must be readable by its owner only: chmod 600');
    text = readFileSync(path, 'utf8');
  } catch {
    return wrong("names a file that can't be read; check its path and mode");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong('is not JSON');
  }
  const list = z.array(z.unknown()).safeParse(value);
  if (!list.success) return wrong('must hold a list of accounts');
  const parsed = list.data.map((one) => account.safeParse(one));
  const mistakes = parsed.flatMap(({ error }, index) =>
    (error?.issues ?? []).map(({ path: at, message }) => `account ${index + 1}: ${[...at, ''].join(': ')}${message}`),
  );
  return mistakes.length > 0 ? wrong(...mistakes) : { accounts: parsed.flatMap(({ data }) => data ?? []), mistakes };
}

type Key = keyof typeof cloudSettings;
type CloudValues = { readonly [K in Key]?: z.output<(typeof cloudSettings)[K]['schema']> };

const groups: readonly (readonly Key[])[] = [
  ['tencentSecretId', 'tencentSecretKey'],
  ['aliyunAccessKeyId', 'aliyunAccessKeySecret', 'aliyunRegions'],
  ['cloudstackUrl', 'cloudstackApiKey', 'cloudstackSecretKey'],
  ['cloudstackOfficeUrl', 'cloudstackOfficeApiKey', 'cloudstackOfficeSecretKey'],
];

/** The accounts named by the variables, each called `default`, after those of the file. */
export function accountsOf(values: CloudValues, ofFile: readonly CloudAccount[]): FoundAccounts {
  const mistakes = groups.flatMap((group) => incomplete(values, group));
  const { tencentRegions: cvm, tencentCpmRegions: cpm } = values;
  if (values.tencentSecretId !== undefined && cvm === undefined && cpm === undefined)
    mistakes.push('SLIPWAY_TENCENT_REGIONS: is missing though SLIPWAY_TENCENT_SECRET_ID is set; name the regions');
  if (values.tencentSecretId === undefined && (cvm ?? cpm) !== undefined)
    mistakes.push('SLIPWAY_TENCENT_SECRET_ID: is missing though regions of Tencent Cloud are set');
  if (mistakes.length > 0) return { accounts: [], mistakes };
  const accounts = [...ofFile, ...ofVariables(values)];
  const names = accounts.map((one) => `"${one.name}" of type ${one.type}`);
  const twice = new Set(names.filter((one, index) => names.indexOf(one) !== index));
  return {
    accounts,
    mistakes: [...twice].map((one) => `${fileVariable}: has the account ${one} twice, variables included`),
  };
}

function incomplete(values: CloudValues, group: readonly Key[]): string[] {
  const given = group.filter((key) => values[key] !== undefined);
  const [first] = given;
  if (first === undefined) return [];
  return group
    .filter((key) => !given.includes(key))
    .map((key) => `${settings[key].variable}: is missing though ${settings[first].variable} is set`);
}

function ofVariables(values: CloudValues): CloudAccount[] {
  const given: unknown[] = [];
  const { tencentSecretId: secretId, tencentSecretKey: secretKey, tencentEndpoint: at } = values;
  const one = { name: 'default', endpoint: at, secretId, secretKey };
  if (values.tencentRegions) given.push({ ...one, type: 'tencent-cvm', regions: values.tencentRegions });
  if (values.tencentCpmRegions) given.push({ ...one, type: 'tencent-cpm', regions: values.tencentCpmRegions });
  if (values.aliyunAccessKeyId !== undefined)
    given.push({
      name: 'default',
      type: 'aliyun-ecs',
      regions: values.aliyunRegions,
      endpoint: values.aliyunEndpoint,
      accessKeyId: values.aliyunAccessKeyId,
      accessKeySecret: values.aliyunAccessKeySecret,
    });
  if (values.cloudstackUrl !== undefined)
    given.push({
      name: 'default',
      type: 'cloudstack',
      endpoint: values.cloudstackUrl,
      apiKey: values.cloudstackApiKey,
      secretKey: values.cloudstackSecretKey,
    });
  if (values.cloudstackOfficeUrl !== undefined)
    given.push({
      name: 'default',
      type: 'cloudstack-office',
      endpoint: values.cloudstackOfficeUrl,
      apiKey: values.cloudstackOfficeApiKey,
      secretKey: values.cloudstackOfficeSecretKey,
    });
  return given.map((value) => account.parse(value));
}
