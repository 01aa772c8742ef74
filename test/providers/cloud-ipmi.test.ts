import type { MachineRef } from '../../activities/providers/cloud/driver.ts';
import { createIpmi } from '../../activities/providers/cloud/ipmi.ts';
import { ipmiControllers } from '../support/doubles/ipmi-controllers.ts';
import { unique } from '../support/harness.ts';
import { failureOf } from './cloud-doubles.suite.ts';
import { cloudSuite, request } from './cloud.suite.ts';
import type { CloudHarness } from './cloud.suite.ts';

const password = `hush ${unique()} '$(id)"`;
const username = 'slipway';

/** A program of its own, and the driver over it. */
function open() {
  const controllers = ipmiControllers();
  const { program, read, meet, close } = controllers;
  const machine = (state: 'running' | 'stopped'): MachineRef => {
    const { name, address } = controllers.add(state === 'running' ? 'on' : 'off', { username, password });
    return { providerId: null, hostId: 1, name, place: null, ipmi: () => ({ address, username, password }) };
  };
  return {
    read,
    meet,
    close,
    machine,
    driver: (timeoutMs = 20_000) => createIpmi({ program, rate: 1_000, timeoutMs }),
    begun: ({ ipmi }: MachineRef) => controllers.begun(ipmi?.().address ?? ''),
  };
}

async function harness(): Promise<CloudHarness> {
  const { driver, machine, begun, meet, close } = open();
  return {
    driver: driver(),
    another: () => driver(),
    machine: async (state) => machine(state),
    nobody: null,
    begun,
    meet: (trouble) => meet(trouble === 'throttle' ? 'refuse' : trouble),
    lists: false,
    losesRestarts: true,
    throttles: false,
    secrets: [password],
    close: async () => close(),
  };
}

cloudSuite('IPMI', harness);

describe('ipmitool', () => {
  let ipmi: ReturnType<typeof open>;
  beforeAll(() => {
    ipmi = open();
  });
  afterAll(() => ipmi.close());

  test('the password is in its environment only, and of the worker\u2019s environment it gets nothing', async () => {
    const machine = ipmi.machine('running');
    process.env['SLIPWAY_TEST_SECRET'] = 'hush';
    await ipmi.driver().find(machine);
    delete process.env['SLIPWAY_TEST_SECRET'];
    const { args, env } = ipmi.read().runs.at(-1) ?? { args: [], env: [] };
    expect(args.join(' ')).not.toContain(password);
    expect(env.sort()).toEqual(['IPMI_PASSWORD', 'LC_ALL', 'PATH']);
  });

  test.each([
    ['a wrong password', { password: 'other' }, 'refused', "correct the host's ipmi"],
    ['an unknown user', { username: 'other' }, 'refused', "correct the host's ipmi"],
    ['a controller that is not there', { address: 'nowhere.example.com' }, 'unavailable', 'does not answer'],
  ] as const)('%s is told apart', async (_name, over, kind, part) => {
    const machine = ipmi.machine('running');
    const access = machine.ipmi?.();
    if (!access) throw new Error('no ipmi');
    const error = await failureOf(ipmi.driver().find({ ...machine, ipmi: () => ({ ...access, ...over }) }));
    expect(error).toMatchObject({ kind, provider: 'IPMI', message: expect.stringContaining(part) });
    expect(error.message).not.toContain(password);
  });

  test('a host without ipmi is refused, and so is a program that is not there', async () => {
    const machine = ipmi.machine('running');
    expect(await failureOf(ipmi.driver().find({ ...machine, ipmi: null }))).toMatchObject({ kind: 'refused' });
    const missing = createIpmi({ program: '/nowhere/ipmitool', rate: 10 });
    const error = await failureOf(missing.find(machine));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('SLIPWAY_IPMITOOL') });
  });

  test('a reset that never reached the controller may be tried again', async () => {
    const machine = ipmi.machine('running');
    const asked = request('restart');
    ipmi.meet('drop_before');
    const error = await failureOf(ipmi.driver().power(machine, asked));
    expect(error).toMatchObject({ kind: 'unavailable', untouched: true });
    await ipmi.driver().power(machine, asked);
    expect(ipmi.begun(machine)).toEqual(['restart']);
  });

  test('a reset that was asked for before, by a worker that died, is not asked for again', async () => {
    const machine = ipmi.machine('running');
    const error = await failureOf(
      ipmi.driver().power(machine, request('restart', { askedBefore: { time: new Date(), last: null } })),
    );
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('not known') });
    expect(ipmi.begun(machine)).toEqual([]);
  });

  test('a program that does not end is ended, and the reset is not known', async () => {
    const machine = ipmi.machine('running');
    await ipmi.driver().find(machine);
    ipmi.meet('hang');
    const error = await failureOf(ipmi.driver(4_000).power(machine, request('restart')));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('not known') });
  });

  test('a reset of a machine that is off is refused', async () => {
    const error = await failureOf(ipmi.driver().power(ipmi.machine('stopped'), request('restart')));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('start it instead') });
  });
});
