import type { CloudStackAccount } from '../../kit/config/cloud-accounts.ts';
import { createCloudStack } from '../../activities/providers/cloud/cloudstack.ts';
import { serveCloudStack } from '../support/doubles/cloudstack.ts';
import type { CloudStackDouble } from '../support/doubles/cloudstack.ts';
import { cloudStackSignature } from '../support/doubles/cloudstack-signature.ts';
import { allOf, brokenAnswers, harnessOf, quick, refOf } from './cloud-doubles.suite.ts';
import type { Setup } from './cloud-doubles.suite.ts';
import { lostRestarts } from './cloud-restarts.suite.ts';
import { cloudSuite } from './cloud.suite.ts';

const kinds = {
  cloudstack: ['CloudStack', 'SLIPWAY_CLOUDSTACK_API_KEY and SLIPWAY_CLOUDSTACK_SECRET_KEY'],
  'cloudstack-office': [
    'CloudStack (office)',
    'SLIPWAY_CLOUDSTACK_OFFICE_API_KEY and SLIPWAY_CLOUDSTACK_OFFICE_SECRET_KEY',
  ],
} as const;

const accountOf = (
  double: Pick<CloudStackDouble, 'url' | 'apiKey' | 'secretKey'>,
  type: keyof typeof kinds = 'cloudstack',
  name = 'default',
): CloudStackAccount => ({ type, name, endpoint: double.url, apiKey: double.apiKey, secretKey: double.secretKey });

async function open(type: keyof typeof kinds = 'cloudstack'): Promise<Setup> {
  const double = await serveCloudStack();
  const { fleet, failJobs, apiKey, secretKey } = double;
  return {
    double,
    fleet,
    failJobs,
    place: { region: 'zone-1' },
    secrets: [apiKey, secretKey],
    create: ({ timeoutMs = quick.timeoutMs, wrongKeys, url } = {}) => {
      const account = accountOf(double, type);
      const endpoint = url === undefined ? account.endpoint : `${url}/client/api`;
      const keys = wrongKeys ? { secretKey: `${secretKey}x` } : {};
      return createCloudStack(kinds[type][0], [{ ...account, ...keys, endpoint }], kinds[type][1], {
        ...quick,
        timeoutMs,
      });
    },
  };
}

cloudSuite('CloudStack', async () => harnessOf(await open()));
cloudSuite('CloudStack of the office', async () => harnessOf(await open('cloudstack-office')));

describe('restarts at CloudStack', () => lostRestarts(() => open()));

describe('broken answers of CloudStack', () => brokenAnswers(() => open()));

test('the double verifies as the developer guide describes', () => {
  const parameters = {
    apikey: 'plgWJfZK4gyS3mOMTVmjUVg-X-jlWlnfaUJ9GAbBbf9EdM-kAYMmAiLqzzq1ElZLYq_u38zCm0bewzGUdP66mg',
    command: 'listUsers',
    response: 'json',
  };
  const secret = 'VDaACYb0LV9eNjTetIOElcVQkvJck_J_QljX_FcHRj87ZKiy0z0ty0ZsYBkoXkY9b7eq1EhwJaw7FF3akA3KBQ';
  expect(cloudStackSignature(Object.entries(parameters), secret)).toBe('TTpdDq/7j/J58XCRHomKoQXEQds=');
});

describe('the double', () => {
  let double: CloudStackDouble;
  beforeAll(async () => {
    double = await serveCloudStack();
  });
  afterAll(() => double.close());

  const ask = async (change: (parameters: Record<string, string>) => void): Promise<number> => {
    const expires = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+Z$/, '+0000');
    const parameters: Record<string, string> = {
      command: 'listVirtualMachines',
      response: 'json',
      apiKey: double.apiKey,
      signatureVersion: '3',
      expires,
      page: '1',
      pagesize: '10',
    };
    change(parameters);
    parameters['signature'] ??= cloudStackSignature(Object.entries(parameters), double.secretKey);
    const response = await fetch(double.url, { method: 'POST', body: new URLSearchParams(parameters) });
    return response.status;
  };
  test.each<[string, number, (parameters: Record<string, string>) => void]>([
    ['a signed request for a page that is none', 431, (p) => (p['page'] = '0')],
    ['another signature', 401, (p) => (p['signature'] = 'AAAA')],
    ['another key', 401, (p) => (p['apiKey'] = 'other')],
    ['what has expired', 401, (p) => (p['expires'] = '2020-01-01T00:00:00+0000')],
    ['an unknown command', 432, (p) => (p['command'] = 'destroyVirtualMachine')],
    ['an unknown machine', 431, (p) => Object.assign(p, { command: 'startVirtualMachine', id: 'nobody' })],
    ['an unknown job', 431, (p) => Object.assign(p, { command: 'queryAsyncJobResult', jobid: 'nobody' })],
  ])('answers %s as CloudStack does (%i)', async (_name, status, change) => {
    expect(await ask(change)).toBe(status);
  });
});

test('machines of several accounts are listed in pages, all of them once, without those that are being destroyed', async () => {
  const [first, second] = [await serveCloudStack(), await serveCloudStack()];
  try {
    for (let number = 0; number < 250; number += 1) first.fleet.add({ id: `a-${number}`, region: 'zone-1' });
    for (let number = 0; number < 100; number += 1) second.fleet.add({ id: `b-${number}`, region: 'zone-2' });
    const accounts = [accountOf(first, 'cloudstack', 'one'), accountOf(second, 'cloudstack', 'two')];
    const driver = createCloudStack('CloudStack', accounts, '', quick);
    const pages = await allOf(driver.list());
    expect(pages.map((page) => page.length)).toEqual([100, 100, 50, 100]);
    expect(new Set(pages.flat().map(({ place }) => `${place.account}/${place.region}/${place.id}`)).size).toBe(350);
    const found = await driver.find(refOf({ id: 'b-7', name: 'b' }));
    expect(found).toMatchObject({
      place: { account: 'two', region: 'zone-2', id: 'b-7' },
      state: 'running',
      detail: 'Running',
      cpu: 4,
      memory: 8192,
      osType: 'CentOS 7',
      location: 'zone-2',
    });
  } finally {
    await first.close();
    await second.close();
  }
});
