import { createTencentCpm } from '../../activities/providers/cloud/tencent-cpm.ts';
import { createTencentCvm } from '../../activities/providers/cloud/tencent-cvm.ts';
import type { TencentAccount } from '../../kit/config/cloud-accounts.ts';
import { tc3Signature } from '../support/doubles/tc3-signature.ts';
import { serveTencent } from '../support/doubles/tencent.ts';
import type { TencentDouble } from '../support/doubles/tencent.ts';
import { allOf, brokenAnswers, failureOf, harnessOf, quick, refOf } from './cloud-doubles.suite.ts';
import type { Setup } from './cloud-doubles.suite.ts';
import { lostRestarts } from './cloud-restarts.suite.ts';
import { cloudSuite } from './cloud.suite.ts';

type Product = 'tencent-cvm' | 'tencent-cpm';
const create = { 'tencent-cvm': createTencentCvm, 'tencent-cpm': createTencentCpm };
const regions = ['ap-guangzhou', 'ap-shanghai'];

const accountsOf = ({ keys, endpoint }: TencentDouble, type: Product): TencentAccount[] =>
  keys.map(({ account: name, secretId, secretKey }) => ({ type, name, regions, endpoint, secretId, secretKey }));

async function open(type: Product): Promise<Setup> {
  const double = await serveTencent();
  const [account] = accountsOf(double, type);
  if (!account) throw new Error('no account');
  return {
    double,
    fleet: type === 'tencent-cvm' ? double.cvm : double.bm,
    place: { region: 'ap-shanghai' },
    secrets: double.keys.flatMap(({ secretId, secretKey }) => [secretId, secretKey]),
    ...(type === 'tencent-cpm' && { failJobs: double.failJobs }),
    create: ({ timeoutMs = quick.timeoutMs, wrongKeys, url } = {}) => {
      const endpoint = url?.replace('127.0.0.1', '{service}.localhost') ?? account.endpoint;
      const secretKey = wrongKeys ? `${account.secretKey}x` : account.secretKey;
      // One region, so that the fault that is next meets the call that is meant.
      const only = { ...account, regions: ['ap-shanghai'], endpoint, secretKey };
      return create[type]([only], { ...quick, timeoutMs });
    },
  };
}

// The SDK does not look at the content type; right JSON is understood under any.
cloudSuite('Tencent Cloud CVM', async () => harnessOf(await open('tencent-cvm')));
cloudSuite('Tencent Cloud CPM', async () => harnessOf(await open('tencent-cpm')));
describe('restarts at Tencent Cloud CVM', () => lostRestarts(() => open('tencent-cvm')));
describe('restarts at Tencent Cloud CPM', () => lostRestarts(() => open('tencent-cpm')));
describe('broken answers of Tencent Cloud CVM', () => brokenAnswers(() => open('tencent-cvm'), ['type']));
describe('broken answers of Tencent Cloud CPM', () => brokenAnswers(() => open('tencent-cpm'), ['type']));

test('the double verifies as the document describes', () => {
  const request = {
    method: 'GET',
    query: 'Limit=10&Offset=0',
    payload: '',
    timestamp: 1_539_084_154,
    service: 'cvm',
    headers: { 'content-type': 'application/x-www-form-urlencoded', host: 'cvm.tencentcloudapi.com' },
    signedHeaders: ['content-type', 'host'],
  };
  expect(tc3Signature(request, 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE')).toBe(
    '5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474',
  );
});

describe.each(['tencent-cvm', 'tencent-cpm'] as const)('%s over two accounts and two regions', (type) => {
  let double: TencentDouble;
  beforeAll(async () => {
    double = await serveTencent();
    const fleet = type === 'tencent-cvm' ? double.cvm : double.bm;
    for (let number = 0; number < 120; number += 1) fleet.add({ id: `a-${number}`, region: 'ap-guangzhou' });
    for (let number = 0; number < 3; number += 1)
      fleet.add({ id: `b-${number}`, region: 'ap-shanghai', account: 'games', state: 'stopped' });
  });
  afterAll(() => double.close());

  test('every machine is listed once, in pages', async () => {
    const pages = await allOf(create[type](accountsOf(double, type), quick).list());
    expect(pages.map((page) => page.length)).toEqual([100, 20, 3]);
    expect(new Set(pages.flat().map(({ place }) => place.id)).size).toBe(123);
  });

  test('a machine is found wherever it is, and its place says where', async () => {
    const driver = create[type](accountsOf(double, type), quick);
    expect(await driver.find(refOf({ id: 'b-2', name: 'b' }))).toMatchObject({
      place: { account: 'games', region: 'ap-shanghai', id: 'b-2' },
      state: 'stopped',
    });
  });

  test('a machine is gone only when every account could say so', async () => {
    const driver = create[type](accountsOf(double, type), quick);
    const nobody = refOf({ id: 'c-1', name: 'c' });
    expect(await driver.find(nobody)).toMatchObject({ state: 'gone' });
    double.meet('server_error', 'any');
    expect(await failureOf(driver.find(nobody))).toMatchObject({ kind: 'unavailable' });
  });

  test('a region that is none is refused with the word of the provider', async () => {
    const [account] = accountsOf(double, type);
    const driver = create[type](account ? [{ ...account, regions: ['ap-nowhere'] }] : [], quick);
    const error = await failureOf(allOf(driver.list()));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('UnsupportedRegion') });
  });
});

test('proxies of the environment are not followed', async () => {
  const { create: driver, fleet, double } = await open('tencent-cvm');
  process.env['http_proxy'] = 'http://127.0.0.1:9';
  try {
    const machine = fleet.add({ id: 'i-proxy', region: 'ap-shanghai' });
    expect(await driver().find(refOf(machine))).toMatchObject({ state: 'running' });
  } finally {
    delete process.env['http_proxy'];
    await double.close();
  }
});
