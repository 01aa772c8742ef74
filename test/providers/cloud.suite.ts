// What every driver of machines promises, whatever is behind it. A driver's test brings a harness over its provider (a
// protocol double, or the in-memory twin), which can be told what the next power call meets.
import { ProviderError, OutcomeUnknownError } from '../../activities/providers/error.ts';
import type {
  CloudDriver,
  Machine,
  MachineRef,
  MachineState,
  PowerAction,
  PowerRequest,
} from '../../activities/providers/cloud/driver.ts';
import { powerActions } from '../../activities/providers/cloud/driver.ts';
import { eventually, unique } from '../support/harness.ts';

/** `drop_*`: the connection breaks before or after the provider has acted; `throttle`: asked too often. */
export type Trouble = 'refuse' | 'throttle' | 'drop_before' | 'drop_after';

export interface CloudHarness {
  driver: CloudDriver;
  /** Another driver over the same provider, as another worker has it. */
  another(): CloudDriver;
  /** A new machine, as the inventory knows it. */
  machine(state: 'running' | 'stopped'): Promise<MachineRef>;
  /** A machine that does not exist; null where the provider cannot tell (IPMI). */
  nobody: MachineRef | null;
  /** Power changes that the provider has really begun on a machine, in order. */
  begun(machine: MachineRef): Promise<PowerAction[]> | PowerAction[];
  /** What the next power call meets; later ones work. */
  meet(trouble: Trouble): Promise<void> | void;
  /** Makes asynchronous jobs fail; absent where the provider has none. */
  failJobs?(): Promise<void> | void;
  /** Set where nobody can tell whether a restart arrived whose answer was lost (IPMI). */
  losesRestarts?: true;
  /** False where nobody is asked too often (IPMI). */
  throttles?: boolean;
  /** Whether machines can be listed. */
  lists: boolean;
  /** What must not be in any error. */
  secrets: readonly string[];
  close(): Promise<void>;
}

const aim = { start: 'running', stop: 'stopped', restart: 'running' } as const;
const before = { start: 'stopped', stop: 'running', restart: 'running' } as const;

/** A power call of its own. */
export const request = (action: PowerAction, over: Partial<PowerRequest> = {}): PowerRequest => ({
  action,
  force: false,
  token: `suite-${unique()}`,
  askedBefore: null,
  ...over,
});

async function errorOf(work: Promise<unknown>): Promise<ProviderError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderError)) throw new Error(`no ProviderError: ${String(error)}`);
  return error;
}

const reaching = (driver: CloudDriver, machine: MachineRef, state: MachineState): Promise<Machine> =>
  eventually(
    async () => {
      const found = await driver.find(machine);
      return found.state === state && found;
    },
    { timeout: 20_000 },
  );

/** Waits for a power call's end as a host task does: by its job, else by the state. */
async function ended(driver: CloudDriver, machine: MachineRef, job: string | null, action: PowerAction) {
  if (job !== null) await eventually(() => driver.finished(machine, job), { timeout: 20_000 });
  return reaching(driver, machine, aim[action]);
}

export function cloudSuite(name: string, open: () => Promise<CloudHarness>): void {
  describe(`${name} keeps the promises of a cloud`, () => {
    let h: CloudHarness;
    beforeAll(async () => {
      h = await open();
    }, 60_000);
    afterAll(() => h.close(), 30_000);

    const withoutSecrets = (error: ProviderError): void => {
      for (const secret of h.secrets) expect(`${error.message} ${error.stack}`).not.toContain(secret);
    };

    test('a machine is found with its place and state, and again by its place', async () => {
      const machine = await h.machine('running');
      const found = await h.driver.find(machine);
      expect(found.state).toBe('running');
      if (machine.providerId !== null) expect(found.place.id).toBe(machine.providerId);
      expect(await h.another().find({ ...machine, place: found.place })).toEqual(found);
    });

    test('a machine that does not exist is gone, and its power is refused', async () => {
      if (!h.nobody) return;
      expect(await h.driver.find(h.nobody)).toMatchObject({ state: 'gone' });
      expect(await errorOf(h.driver.power(h.nobody, request('start')))).toMatchObject({ kind: 'refused' });
    });

    test.each(powerActions)('%s is begun once and reaches its state, which another driver sees', async (action) => {
      const machine = await h.machine(before[action]);
      const { job } = await h.driver.power(machine, request(action));
      await ended(h.another(), machine, job, action);
      expect(await h.begun(machine)).toEqual([action]);
    });

    test.each(powerActions)('%s by force reaches its state too', async (action) => {
      const machine = await h.machine(before[action]);
      const { job } = await h.driver.power(machine, request(action, { force: true }));
      await ended(h.driver, machine, job, action);
      expect(await h.begun(machine)).toEqual([action]);
    });

    test.each(['start', 'stop'] as const)(
      '%s of a machine that is so already begins nothing and says so',
      async (action) => {
        const machine = await h.machine(aim[action]);
        const { note } = await h.driver.power(machine, request(action));
        expect(note).not.toBeNull();
        expect(await h.begun(machine)).toEqual([]);
      },
    );

    test.each(powerActions)('%s whose answer was lost is begun once, however often it is repeated', async (action) => {
      const machine = await h.machine(before[action]);
      const asked = request(action);
      const { last } = await h.driver.find(machine, { withLast: action === 'restart' });
      const time = new Date();
      await h.meet('drop_after');
      if (action === 'restart' && h.losesRestarts) {
        const error = await errorOf(h.driver.power(machine, asked));
        expect(error).toBeInstanceOf(OutcomeUnknownError);
        expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('not known') });
        return;
      }
      expect(await errorOf(h.driver.power(machine, asked))).toMatchObject({ kind: 'unavailable' });
      const again = await h.another().power(machine, { ...asked, askedBefore: { time, last } });
      await ended(h.driver, machine, again.job, action);
      expect(await h.begun(machine)).toEqual([action]);
    });

    test('what never reached the provider is done by the repetition', async () => {
      const machine = await h.machine('running');
      const asked = request('stop');
      await h.meet('drop_before');
      const error = await errorOf(h.driver.power(machine, asked));
      expect(error.kind).toBe('unavailable');
      withoutSecrets(error);
      const { job } = await h.driver.power(machine, { ...asked, askedBefore: { time: new Date(), last: null } });
      await ended(h.driver, machine, job, 'stop');
      expect(await h.begun(machine)).toEqual(['stop']);
    });

    test('a refusal is final, begins nothing and tells no secret', async () => {
      const machine = await h.machine('running');
      await h.meet('refuse');
      const error = await errorOf(h.driver.power(machine, request('stop')));
      expect(error.kind).toBe('refused');
      withoutSecrets(error);
      expect(await h.begun(machine)).toEqual([]);
    });

    test('being asked too often is said with the time to wait, and nothing is begun', async () => {
      if (h.throttles === false) return;
      const machine = await h.machine('running');
      await h.meet('throttle');
      const error = await errorOf(h.driver.power(machine, request('stop')));
      expect(error.kind).toBe('unavailable');
      expect(error.retryAfterMs ?? 0).toBeGreaterThan(0);
      withoutSecrets(error);
      expect(await h.begun(machine)).toEqual([]);
    });

    test('a job that fails is a refusal', async () => {
      if (!h.failJobs) return;
      const machine = await h.machine('running');
      await h.failJobs();
      const { job } = await h.driver.power(machine, request('stop'));
      expect(job).not.toBeNull();
      const failure = await eventually(
        async () => {
          const found = await h.driver.finished(machine, job ?? '').catch((error: unknown) => error);
          return found instanceof ProviderError && found;
        },
        { timeout: 20_000 },
      );
      expect(failure).toMatchObject({ kind: 'refused' });
    });

    test('every machine is in the list, once', async () => {
      if (!h.lists) return;
      const machine = await h.machine('running');
      const ids: string[] = [];
      for await (const page of h.driver.list()) ids.push(...page.map(({ place }) => place.id));
      expect(ids.filter((id) => id === machine.providerId)).toHaveLength(1);
      expect(new Set(ids).size).toBe(ids.length);
    });
  });
}
