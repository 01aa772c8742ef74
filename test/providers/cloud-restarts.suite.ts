// What becomes of a restart whose answer was lost, at a provider's double: told by what changed since, never by what was there
// before.
import { OutcomeUnknownError } from '../../activities/providers/error.ts';
import type { CloudDriver } from '../../activities/providers/cloud/driver.ts';
import type { FleetMachine } from '../support/doubles/fleet.ts';
import { unique } from '../support/harness.ts';
import { failureOf, refOf } from './cloud-doubles.suite.ts';
import type { Setup } from './cloud-doubles.suite.ts';
import { request } from './cloud.suite.ts';

/** Long enough ago for a call that was lost to have come. */
const longAgo = (): Date => new Date(Date.now() - 10_000);

export function lostRestarts(open: () => Promise<Setup>): void {
  let setup: Setup;
  let driver: CloudDriver;
  beforeAll(async () => {
    setup = await open();
    setup.fleet.looks = 0;
    driver = setup.create();
  });
  afterAll(() => setup.double.close());

  /** A machine that was restarted two minutes ago, by whomever. */
  async function restartedLately(): Promise<{ machine: FleetMachine; last: string | null }> {
    const machine = setup.fleet.add({ id: `i-${unique()}`, ...setup.place });
    await driver.power(refOf(machine), request('restart'));
    expect(await driver.find(refOf(machine))).toMatchObject({ state: 'running' });
    if (machine.last) machine.last.time = new Date(Date.now() - 120_000);
    const { last } = await driver.find(refOf(machine), { withLast: true });
    return { machine, last };
  }

  test('one that never came is made, though the last thing that was done to the machine was a restart', async () => {
    const { machine, last } = await restartedLately();
    const asked = request('restart');
    setup.double.meet('drop_before');
    await failureOf(driver.power(refOf(machine), asked));
    await driver.power(refOf(machine), { ...asked, askedBefore: { time: longAgo(), last } });
    expect(setup.fleet.begunOn(machine.id)).toEqual(['restart', 'restart']);
  });

  test('one that came is not made again, also when the machine runs by now', async () => {
    const { machine, last } = await restartedLately();
    const asked = request('restart');
    setup.double.meet('drop_after');
    await failureOf(driver.power(refOf(machine), asked));
    expect(await driver.find(refOf(machine))).toMatchObject({ state: 'running' });
    const again = await driver.power(refOf(machine), { ...asked, askedBefore: { time: longAgo(), last } });
    expect(again.note).not.toBeNull();
    expect(setup.fleet.begunOn(machine.id)).toEqual(['restart', 'restart']);
  });

  test('one that may be on its way yet is neither made again nor taken for made', async () => {
    const { machine, last } = await restartedLately();
    const askedBefore = { time: new Date(), last };
    const error = await failureOf(driver.power(refOf(machine), request('restart', { askedBefore })));
    expect(error.kind).toBe('unavailable');
    expect(setup.fleet.begunOn(machine.id)).toEqual(['restart']);
  });

  test('one of which nothing is known from before is unclear, and not made', async () => {
    const { machine } = await restartedLately();
    const askedBefore = { time: longAgo(), last: null };
    const error = await failureOf(driver.power(refOf(machine), request('restart', { askedBefore })));
    expect(error).toBeInstanceOf(OutcomeUnknownError);
    expect(error.message).toContain('not known');
    expect(setup.fleet.begunOn(machine.id)).toEqual(['restart']);
  });
}
