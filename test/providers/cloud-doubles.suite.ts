// Drivers of machines over their protocol doubles, and what each kind of broken answer has to become.
import type { CloudDriver, MachineRef } from '../../activities/providers/cloud/driver.ts';
import { ProviderError } from '../../activities/providers/error.ts';
import type { Double, Fault } from '../support/doubles/double.ts';
import type { MachineFleet, FleetMachine } from '../support/doubles/fleet.ts';
import { unique } from '../support/harness.ts';
import { request } from './cloud.suite.ts';
import type { CloudHarness, Trouble } from './cloud.suite.ts';

/** Short, so that a test of a provider that does not answer is short too. */
const timeoutMs = 3_000;
export const quick = { rate: 1_000, timeoutMs };

export const refOf = ({ id, name }: Pick<FleetMachine, 'id' | 'name'>): MachineRef => ({
  providerId: id,
  hostId: 1,
  name,
  place: null,
});

const faults: Record<Trouble, Fault> = {
  refuse: 'refuse',
  throttle: 'throttle',
  drop_before: 'drop_before',
  drop_after: 'drop_after',
};

export interface Setup {
  double: Double;
  fleet: MachineFleet;
  /** Where new machines go, besides the fleet's defaults. */
  place: Partial<FleetMachine>;
  create(over?: { timeoutMs?: number; wrongKeys?: boolean; url?: string }): CloudDriver;
  failJobs?: (fails: boolean) => void;
  secrets: readonly string[];
}

/** A harness for the suite. */
export const harnessOf = ({ double, fleet, place, create, failJobs, secrets }: Setup): CloudHarness => ({
  driver: create(),
  another: () => create(),
  machine: async (state) => {
    failJobs?.(false);
    return refOf(fleet.add({ id: `i-${unique()}`, state, ...place }));
  },
  nobody: refOf({ id: 'i-nobody', name: 'nobody' }),
  begun: ({ providerId }) => fleet.begunOn(providerId ?? ''),
  meet: (trouble) => double.meet(faults[trouble]),
  ...(failJobs && { failJobs: () => failJobs(true) }),
  lists: true,
  secrets,
  close: () => double.close(),
});

/** Every page. */
export async function allOf<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(page);
  return all;
}

/** What a call throws. */
export async function failureOf(work: Promise<unknown>): Promise<ProviderError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderError)) throw new Error(`no ProviderError: ${String(error)}`);
  return error;
}

/** Tests of answers that are none; `tolerated` are understood all the same. */
export function brokenAnswers(open: () => Promise<Setup>, tolerated: readonly Fault[] = []): void {
  let setup: Setup;
  beforeAll(async () => {
    setup = await open();
  });
  afterAll(() => setup.double.close());

  const check = (error: ProviderError, kind: 'refused' | 'unavailable', driver: CloudDriver): void => {
    expect(error).toMatchObject({ kind, provider: driver.name });
    expect(error.message).toContain(driver.name);
    for (const secret of setup.secrets) expect(`${error.message} ${error.stack ?? ''}`).not.toContain(secret);
    expect(error.message).not.toMatch(/<|Bad Gateway|undefined/);
  };

  const faults = ['drop_before', 'half', 'type', 'html', 'html_200', 'empty', 'redirect', 'server_error'] as const;
  test.each(faults.filter((fault) => !tolerated.includes(fault)))(
    'an answer that is none (%s) is unavailable, named by its provider',
    async (fault) => {
      const driver = setup.create();
      const machine = refOf(setup.fleet.add({ id: `i-${unique()}`, ...setup.place }));
      setup.double.meet(fault, 'any');
      check(await failureOf(driver.find(machine)), 'unavailable', driver);
      expect(await driver.find(machine)).toMatchObject({ state: 'running' });
    },
  );

  test('a provider that does not answer is given up in time', async () => {
    const driver = setup.create({ timeoutMs: 400 });
    const machine = refOf(setup.fleet.add({ id: `i-${unique()}`, ...setup.place }));
    // Loading a provider's SDK is not part of a call.
    await driver.find(machine);
    setup.double.meet('hang', 'any');
    const error = await failureOf(driver.find(machine));
    check(error, 'unavailable', driver);
    expect(setup.fleet.begun).toEqual([]);
  });

  test('an address without a listener is unavailable', async () => {
    const driver = setup.create({ url: 'http://127.0.0.1:9' });
    check(await failureOf(driver.find(refOf({ id: 'i-1', name: 'a' }))), 'unavailable', driver);
  });

  test('TLS where there is none is unavailable', async () => {
    const driver = setup.create({ url: `https://127.0.0.1:${setup.double.port}` });
    check(await failureOf(driver.find(refOf({ id: 'i-1', name: 'a' }))), 'unavailable', driver);
  });

  test('wrong keys are refused, naming where they are set', async () => {
    const driver = setup.create({ wrongKeys: true });
    const error = await failureOf(driver.find(refOf({ id: 'i-1', name: 'a' })));
    check(error, 'refused', driver);
    expect(error.message).toMatch(/SLIPWAY_\w+/);
  });

  test('expired credentials are refused, and nothing is begun', async () => {
    const driver = setup.create();
    const machine = refOf(setup.fleet.add({ id: `i-${unique()}`, ...setup.place }));
    setup.double.meet('expired');
    const error = await failureOf(driver.power(machine, request('stop')));
    check(error, 'refused', driver);
    expect(error.message).toMatch(/SLIPWAY_\w+/);
    expect(setup.fleet.begunOn(machine.providerId ?? '')).toEqual([]);
  });

  test('a provider that throttles three times is asked again by nobody but the caller', async () => {
    const driver = setup.create();
    const machine = refOf(setup.fleet.add({ id: `i-${unique()}`, ...setup.place }));
    setup.double.meet('throttle', 'any', 3);
    const before = setup.double.calls.length;
    for (let time = 0; time < 3; time += 1) {
      const error = await failureOf(driver.find(machine));
      check(error, 'unavailable', driver);
      expect(error.retryAfterMs ?? 0).toBeGreaterThan(0);
    }
    expect(setup.double.calls.length - before).toBe(3);
    expect(await driver.find(machine)).toMatchObject({ state: 'running' });
  });
}
