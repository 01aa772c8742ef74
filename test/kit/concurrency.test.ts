import { getEventListeners } from 'node:events';
import { raceAbort, withTimeout } from '../../kit/abort.ts';
import { KeyedSemaphore, Semaphore } from '../../kit/limit.ts';
import { poll } from '../../kit/poll.ts';

/** Pieces of work that end when told, and which of them run. */
function pieces() {
  const running: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<string>>();
  const work = (name: string) => async () => {
    running.push(name);
    const end = Promise.withResolvers<string>();
    ends.set(name, end);
    return end.promise.finally(() => running.splice(running.indexOf(name), 1));
  };
  return {
    running,
    work,
    end: (name: string) => ends.get(name)?.resolve(name),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a semaphore', () => {
  test('runs so many at a time, the others in the order in which they came, also after a failure', async () => {
    const { running, work, end, fail } = pieces();
    const semaphore = new Semaphore(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => semaphore.take(work(name)));
    const results = Promise.allSettled(all);
    await settled();
    expect(running).toEqual(['a', 'b']);
    fail('a');
    await settled();
    expect(running).toEqual(['b', 'c']);
    end('b');
    const late = semaphore.take(work('late'));
    await settled();
    expect([running, semaphore.isIdle]).toEqual([['c', 'd'], false]);
    for (const name of ['c', 'd']) end(name);
    await settled();
    expect(running).toEqual(['late']);
    end('late');
    expect(await late).toBe('late');
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect(semaphore.isIdle).toBe(true);
  });

  test('of a key holds up no other key, and holds when work of it ends and comes at once', async () => {
    const { running, work, end } = pieces();
    const semaphore = new KeyedSemaphore(1);
    const first = semaphore.take('x', work('x1')).then(() => semaphore.take('x', work('x3')));
    const others = [semaphore.take('x', work('x2')), semaphore.take('y', work('y'))];
    await settled();
    expect(running).toEqual(['x1', 'y']);
    end('x1');
    await settled();
    expect(running).toEqual(['y', 'x2']);
    end('x2');
    await settled();
    expect(running).toEqual(['y', 'x3']);
    for (const name of ['x3', 'y']) end(name);
    expect(await Promise.all([first, ...others])).toEqual(['x3', 'x2', 'y']);
  });
});

describe('work that is left when its signal aborts', () => {
  const never = new Promise<never>(() => undefined);
  const gone = (): never => {
    throw new Error('left');
  };

  test.each([
    [
      'that ends first gives its result',
      () => raceAbort(Promise.resolve('done'), new AbortController().signal, gone),
      'done',
    ],
    [
      'that fails first fails',
      () => raceAbort(Promise.reject(new Error('failed')), new AbortController().signal, gone),
      'failed',
    ],
    ['under a signal that has aborted is left', () => raceAbort(never, AbortSignal.abort(), gone), 'left'],
    ['may be replaced by a value', () => raceAbort(never, AbortSignal.abort(), () => 'other'), 'other'],
    ['may be awaited after all', () => raceAbort(later('late'), AbortSignal.abort(), () => later('late')), 'late'],
    ['is left after its time', () => withTimeout(never, 5, gone), 'left'],
    ['is left at once when its time was over before', () => withTimeout(never, -0.5, gone), 'left'],
  ])('%s', async (_what, attempt, expected) => {
    expect(await attempt().catch((error: unknown) => (error as Error).message)).toBe(expected);
  });

  const later = async (value: string): Promise<string> => {
    await settled();
    return value;
  };

  test("keeps no listener, and its late failure is nobody's", async () => {
    const over = new AbortController();
    const late = Promise.withResolvers<never>();
    await raceAbort(Promise.resolve(), over.signal, gone);
    expect(getEventListeners(over.signal, 'abort')).toEqual([]);
    const left = raceAbort(late.promise, over.signal, gone);
    over.abort();
    await expect(left).rejects.toThrow('left');
    expect(getEventListeners(over.signal, 'abort')).toEqual([]);
    late.reject(new Error('unhandled, this would end the process'));
    await settled();
  });
});

describe('polling', () => {
  const answering = (...answers: (() => unknown)[]) => {
    let calls = 0;
    return () => answers[Math.min(calls++, answers.length - 1)]?.();
  };
  const failing = (): never => {
    throw new Error('not yet');
  };
  const options = { everyMs: 1, timeoutMs: 60_000, bearsErrors: true };

  test.each([
    [
      'gives the first value that is not false',
      answering(
        () => false,
        failing,
        () => 0,
      ),
      options,
      0,
    ],
    ['asks once when there is no time', answering(() => 'once'), { ...options, timeoutMs: 0 }, 'once'],
    ['ends with the last error', answering(failing), { ...options, timeoutMs: 0 }, 'not yet'],
    [
      'ends with what it waits for',
      () => false,
      { ...options, timeoutMs: 0, what: 'it is so' },
      'in vain until it is so',
    ],
    ['bears no error', answering(failing, () => 1), { ...options, bearsErrors: false }, 'not yet'],
  ])('%s', async (_what, attempt, given, expected) => {
    const found = await poll(attempt, given).catch((error: unknown) => (error as Error).message);
    expect(typeof expected === 'string' ? String(found) : found).toEqual(
      typeof expected === 'string' ? expect.stringContaining(expected) : expected,
    );
  });
});
