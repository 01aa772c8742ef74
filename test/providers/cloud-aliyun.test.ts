import { createAliyunEcs } from '../../activities/providers/cloud/aliyun-ecs.ts';
import type { AliyunAccount } from '../../kit/config/cloud-accounts.ts';
import { acs3Signature } from '../support/doubles/acs3-signature.ts';
import { serveAliyun } from '../support/doubles/aliyun.ts';
import type { AliyunDouble } from '../support/doubles/aliyun.ts';
import { allOf, brokenAnswers, failureOf, harnessOf, quick, refOf } from './cloud-doubles.suite.ts';
import type { Setup } from './cloud-doubles.suite.ts';
import { lostRestarts } from './cloud-restarts.suite.ts';
import { cloudSuite } from './cloud.suite.ts';

const regions = ['cn-hangzhou', 'cn-beijing'];

const accountsOf = ({ keys, url: endpoint }: AliyunDouble): AliyunAccount[] =>
  keys.map(({ account: name, ...secrets }) => ({ type: 'aliyun-ecs', name, regions, endpoint, ...secrets }));

async function open(): Promise<Setup> {
  const double = await serveAliyun();
  const [account] = accountsOf(double);
  if (!account) throw new Error('no account');
  return {
    double,
    fleet: double.fleet,
    place: { region: 'cn-beijing' },
    secrets: double.keys.flatMap(({ accessKeyId, accessKeySecret }) => [accessKeyId, accessKeySecret]),
    create: ({ timeoutMs = quick.timeoutMs, wrongKeys, url = account.endpoint } = {}) => {
      const accessKeySecret = wrongKeys ? `${account.accessKeySecret}x` : account.accessKeySecret;
      const only = { ...account, regions: ['cn-beijing'], endpoint: url, accessKeySecret };
      return createAliyunEcs([only], { ...quick, timeoutMs });
    },
  };
}

// The SDK does not look at the content type; right JSON is understood under any.
cloudSuite('Alibaba Cloud ECS', async () => harnessOf(await open()));
describe('restarts at Alibaba Cloud ECS', () => lostRestarts(open));

describe('broken answers of Alibaba Cloud ECS', () => brokenAnswers(open, ['type']));

test('the double verifies as the document describes', () => {
  const payload = '';
  const headers = {
    host: 'ecs.cn-shanghai.aliyuncs.com',
    'x-acs-action': 'RunInstances',
    'x-acs-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    'x-acs-date': '2023-10-26T10:22:32Z',
    'x-acs-signature-nonce': '3156853299f313e23d1673dc12e1703d',
    'x-acs-version': '2014-05-26',
  };
  const query = new URLSearchParams({
    ImageId: 'win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd',
    RegionId: 'cn-shanghai',
  });
  const request = { method: 'POST', query, headers, signedHeaders: Object.keys(headers), payload };
  expect(acs3Signature(request, 'YourAccessKeySecret')).toBe(
    '06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0',
  );
});

describe('two accounts and two regions', () => {
  let double: AliyunDouble;
  beforeAll(async () => {
    double = await serveAliyun();
    for (let number = 0; number < 120; number += 1) double.fleet.add({ id: `a-${number}`, region: 'cn-hangzhou' });
    for (let number = 0; number < 3; number += 1)
      double.fleet.add({ id: `b-${number}`, region: 'cn-beijing', account: 'games', state: 'stopped' });
  });
  afterAll(() => double.close());

  test('every machine is listed once, in pages', async () => {
    const pages = await allOf(createAliyunEcs(accountsOf(double), quick).list());
    expect(pages.map((page) => page.length)).toEqual([100, 20, 3]);
    expect(new Set(pages.flat().map(({ place }) => place.id)).size).toBe(123);
  });

  test('a machine is found wherever it is, with what ECS knows of it', async () => {
    const driver = createAliyunEcs(accountsOf(double), quick);
    expect(await driver.find(refOf({ id: 'b-2', name: 'b' }))).toMatchObject({
      place: { account: 'games', region: 'cn-beijing', id: 'b-2' },
      state: 'stopped',
      detail: 'Stopped',
      cpu: 4,
      memory: 8192,
      location: 'cn-beijing-b',
      addresses: [{ addrType: 'PRIVATE' }],
    });
  });

  test('a region that is none is refused with the word of the provider', async () => {
    const [account] = accountsOf(double);
    const driver = createAliyunEcs(account ? [{ ...account, regions: ['cn-nowhere'] }] : [], quick);
    const error = await failureOf(allOf(driver.list()));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('InvalidRegionId.NotFound') });
  });
});
