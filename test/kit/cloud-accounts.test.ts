import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cloudTypes } from '../../kit/config/cloud-types.ts';
import { ConfigError, parseConfig, type Environment } from '../../kit/config/config.ts';
import { hostTypes } from '../../workflows/hosts/contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-accounts-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function fileOf(content: unknown, mode = 0o600): string {
  const path = join(folder, `accounts-${(files += 1)}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return path;
}

function mistakesOf(env: Environment): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

const tencent = { SLIPWAY_TENCENT_SECRET_ID: 'AKID-1', SLIPWAY_TENCENT_SECRET_KEY: 'hush-tencent' };
const everything = {
  ...tencent,
  SLIPWAY_TENCENT_REGIONS: 'ap-guangzhou, ap-shanghai',
  SLIPWAY_TENCENT_CPM_REGIONS: 'ap-beijing',
  SLIPWAY_ALIYUN_ACCESS_KEY_ID: 'LTAI-1',
  SLIPWAY_ALIYUN_ACCESS_KEY_SECRET: 'hush-aliyun',
  SLIPWAY_ALIYUN_REGIONS: 'cn-hangzhou',
  SLIPWAY_CLOUDSTACK_URL: 'http://cloud.example.com:8080/client/api/',
  SLIPWAY_CLOUDSTACK_API_KEY: 'key',
  SLIPWAY_CLOUDSTACK_SECRET_KEY: 'hush-online',
  SLIPWAY_CLOUDSTACK_OFFICE_URL: 'https://office.example.com/client/api',
  SLIPWAY_CLOUDSTACK_OFFICE_API_KEY: 'key',
  SLIPWAY_CLOUDSTACK_OFFICE_SECRET_KEY: 'hush-office',
  SLIPWAY_IPMI: 'on',
};

test('variables make one account of each kind, called default', () => {
  const { cloudAccounts } = parseConfig(everything);
  expect(cloudAccounts.map(({ type, name }) => [type, name])).toEqual(
    ['tencent-cvm', 'tencent-cpm', 'aliyun-ecs', 'cloudstack', 'cloudstack-office'].map((type) => [type, 'default']),
  );
  expect(cloudAccounts[0]).toMatchObject({
    regions: ['ap-guangzhou', 'ap-shanghai'],
    endpoint: 'https://{service}.tencentcloudapi.com',
  });
  expect(cloudAccounts[3]).toMatchObject({ endpoint: 'http://cloud.example.com:8080/client/api' });
});

test('accounts of the file come beside those of the variables', () => {
  const path = fileOf([
    { type: 'tencent-cvm', name: 'games', regions: ['ap-tokyo'], secretId: 'AKID-2', secretKey: 'hush-games' },
    { type: 'cloudstack', name: 'lab', endpoint: 'https://lab/client/api', apiKey: 'k', secretKey: 'hush-lab' },
  ]);
  const { cloudAccounts } = parseConfig({ ...everything, SLIPWAY_CLOUD_ACCOUNTS_FILE: path });
  expect(cloudAccounts.filter(({ type }) => type === 'tencent-cvm').map(({ name }) => name)).toEqual([
    'games',
    'default',
  ]);
  expect(cloudAccounts).toHaveLength(7);
});

test('every mistake in variables and file is told at once, by its place, and no value is repeated', () => {
  const path = fileOf([
    { type: 'aliyun-ecs', name: 'shop', regions: [], accessKeyId: 'LTAI-2', accessKeySecret: 'hush-shop' },
    { type: 'tencent-cvm', name: 'hush hush', regions: ['ap-tokyo'], secretId: 'AKID-2', secretKey: '' },
    { type: 'tencent-bm', name: 'old', secretKey: 'hush-old' },
    { type: 'cloudstack', name: 'lab', endpoint: 'http://169.254.169.254/x', apiKey: 'k', secretKey: 'hush', more: 1 },
  ]);
  const mistakes = mistakesOf({
    SLIPWAY_CLOUD_ACCOUNTS_FILE: path,
    SLIPWAY_TENCENT_SECRET_ID: 'AKID-hush',
    SLIPWAY_ALIYUN_REGIONS: 'cn hangzhou',
    SLIPWAY_CLOUDSTACK_URL: 'http://169.254.169.254/client/api',
    SLIPWAY_CLOUDSTACK_OFFICE_API_KEY: 'hush-office',
    SLIPWAY_TENCENT_RATE: '0',
    SLIPWAY_IPMI: 'maybe',
  });
  const text = mistakes.join('\n');
  for (const part of [
    'SLIPWAY_TENCENT_SECRET_KEY: is missing though SLIPWAY_TENCENT_SECRET_ID is set',
    'SLIPWAY_TENCENT_REGIONS: is missing',
    'SLIPWAY_ALIYUN_REGIONS: must be names',
    'SLIPWAY_CLOUDSTACK_URL: must not be a link-local address',
    'SLIPWAY_CLOUDSTACK_OFFICE_URL: is missing though SLIPWAY_CLOUDSTACK_OFFICE_API_KEY is set',
    'SLIPWAY_TENCENT_RATE: must be at least 1',
    'SLIPWAY_IPMI: must be on or off',
    'SLIPWAY_CLOUD_ACCOUNTS_FILE: account 1: regions: must name a region',
    'SLIPWAY_CLOUD_ACCOUNTS_FILE: account 2: name: must be at most 64',
    'SLIPWAY_CLOUD_ACCOUNTS_FILE: account 2: secretKey: must not be empty',
    'SLIPWAY_CLOUD_ACCOUNTS_FILE: account 3: type: ',
    'SLIPWAY_CLOUD_ACCOUNTS_FILE: account 4: endpoint: must not be a link-local address',
    'SLIPWAY_CLOUD_ACCOUNTS_FILE: account 4: ',
  ])
    expect(text).toContain(part);
  expect(text).not.toContain('hush');
});

test.each([
  ['that others may read', fileOf([], 0o644), 'chmod 600'],
  ['that is not there', '/nowhere/accounts.json', "can't be read"],
  ['that is not JSON', fileOf('secretKey: hush'), 'is not JSON'],
  ['that holds no list', fileOf({ accounts: [] }), 'must hold a list'],
  [
    'with an account twice',
    fileOf([1, 2].map(() => ({ type: 'cloudstack', name: 'a', endpoint: 'http://a', apiKey: 'k', secretKey: 's' }))),
    '"a" of type cloudstack twice',
  ],
])('a file %s is a mistake that says what to do', (_name, path, part) => {
  const mistakes = mistakesOf({ SLIPWAY_CLOUD_ACCOUNTS_FILE: path });
  expect(mistakes).toEqual([expect.stringContaining(part)]);
  expect(mistakes[0]).toMatch(/^SLIPWAY_CLOUD_ACCOUNTS_FILE: /);
});

test('regions without keys are a mistake', () => {
  expect(mistakesOf({ SLIPWAY_TENCENT_CPM_REGIONS: 'ap-beijing' })).toEqual([
    'SLIPWAY_TENCENT_SECRET_ID: is missing though regions of Tencent Cloud are set',
  ]);
});

test('each type of host says whether it can be driven, and by which variable', () => {
  expect(Object.keys(cloudTypes).sort()).toEqual([...hostTypes].sort());
  const none = parseConfig({});
  const all = parseConfig(everything);
  for (const { isSet, variable } of Object.values(cloudTypes)) {
    expect(isSet(none)).toBe(false);
    expect(isSet(all)).toBe(true);
    expect(Object.keys(everything)).toContain(variable);
  }
});
