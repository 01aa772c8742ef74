// A sub-task of many instances works in children of fifty, which keeps every history short, and still on ten hosts at a
// time over the whole of it: those are its lanes. A lane that finds nothing more to begin in its chunk goes back to the
// sub-task, which hands it to the next chunk; so a host without answer costs one lane and holds up nobody else.
import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import { instancesPerChunk } from './contract.ts';
import type { SubTaskChunkInput, SubTaskInput, SubTaskInstance, SubTaskOutcome } from './contract.ts';

type Chunk = (input: SubTaskChunkInput) => Promise<SubTaskOutcome>;

/** From a chunk: one of its lanes has nothing more to begin. */
const laneFreeSignal = defineSignal<[number]>('laneFree');
/** To a chunk: it may work on so many more hosts at a time. */
const moreLanesSignal = defineSignal<[number]>('moreLanes');

function chunksOf(input: SubTaskInput): Omit<SubTaskChunkInput, 'lanes'>[] {
  const count = Math.ceil(input.instances.length / instancesPerChunk);
  return Array.from({ length: count }, (_, index) => {
    const from = index * instancesPerChunk;
    const instances = input.instances.slice(from, from + instancesPerChunk);
    return { ...input, instances, chunk: index + 1, isLast: index + 1 === count };
  });
}

/** Works through the chunks of a sub-task; `finish` hears how many instances a chunk has finished. */
export async function inChunks(input: SubTaskInput, lanes: number, finish: (count: number) => void): Promise<void> {
  const chunks = chunksOf(input);
  const dispatcher = new Dispatcher(lanes, finish, (chunk) => `${input.kind} chunk ${chunk} of ${chunks.length}`);
  setHandler(laneFreeSignal, (chunk) => dispatcher.laneFree(chunk));
  await dispatcher.run(chunks);
}

class Dispatcher {
  #free: number;
  /** Lanes of each chunk that has not ended. */
  readonly #held = new Map<number, number>();
  readonly #finish: (count: number) => void;
  readonly #summary: (chunk: number) => string;
  /** Chunks that begin nothing more. */
  readonly #exhausted = new Set<number>();

  constructor(lanes: number, finish: (count: number) => void, summary: (chunk: number) => string) {
    this.#free = lanes;
    this.#finish = finish;
    this.#summary = summary;
  }

  laneFree(chunk: number): void {
    const lanes = this.#held.get(chunk);
    // One that has ended has given all of them back.
    if (lanes === undefined) return;
    this.#held.set(chunk, lanes - 1);
    this.#exhausted.add(chunk);
    this.#free += 1;
  }

  /** Waits for every chunk that has begun, also when the sub-task was cancelled; throws that afterwards. */
  async run(chunks: readonly Omit<SubTaskChunkInput, 'lanes'>[]): Promise<void> {
    const ends: Promise<void>[] = [];
    try {
      for (const chunk of chunks) {
        await condition(() => this.#free > 0);
        const begun = this.#begin({ ...chunk, lanes: this.#take(chunk.chunk) });
        ends.push(this.#follow(chunk.chunk, begun));
        await this.#feed(chunk.chunk, begun);
      }
    } finally {
      await Promise.all(ends);
    }
  }

  #take(chunk: number): number {
    const lanes = this.#free;
    this.#free = 0;
    this.#held.set(chunk, (this.#held.get(chunk) ?? 0) + lanes);
    return lanes;
  }

  #begin(input: SubTaskChunkInput): Promise<ChildWorkflowHandle<Chunk>> {
    const workflowId = `${workflowInfo().workflowId}/chunk/${input.chunk}`;
    return startChild<Chunk>('subTaskChunk', { workflowId, args: [input], staticSummary: this.#summary(input.chunk) });
  }

  /** A chunk whose workflow was ended by hand leaves its instances open; the end of the sub-task settles those. */
  async #follow(chunk: number, begun: Promise<ChildWorkflowHandle<Chunk>>): Promise<void> {
    try {
      const { finished } = await (await begun).result();
      this.#finish(finished);
    } catch {
      // What it has finished is on its rows, and counts as failed here.
    }
    this.#free += this.#held.get(chunk) ?? 0;
    this.#held.delete(chunk);
    this.#exhausted.add(chunk);
  }

  /** Hands every free lane to a chunk for as long as that can use it. */
  async #feed(chunk: number, begun: Promise<ChildWorkflowHandle<Chunk>>): Promise<void> {
    const handle = await begun.catch((error: unknown) => {
      if (isCancellation(error)) throw error;
    });
    const isOver = (): boolean => this.#exhausted.has(chunk);
    for (;;) {
      await condition(() => isOver() || this.#free > 0);
      if (isOver()) return;
      // One that is gone by then gives them back with its end.
      await handle?.signal(moreLanesSignal, this.#take(chunk)).catch(() => undefined);
    }
  }
}

/** The work of a chunk: as many instances at a time as it has lanes, `mostLanes` whatever it is told. */
export async function inLanes(
  { instances, chunk, lanes, isLast }: SubTaskChunkInput,
  mostLanes: number,
  work: (instance: SubTaskInstance) => Promise<boolean>,
): Promise<SubTaskOutcome> {
  const { parent } = workflowInfo();
  let [next, open, finished] = [0, 0, 0];
  const giveBack = async (): Promise<void> => {
    if (isLast || !parent) return;
    await getExternalWorkflowHandle(parent.workflowId)
      .signal(laneFreeSignal, chunk)
      .catch(() => undefined);
  };
  const lane = async (): Promise<void> => {
    for (let instance = instances[next++]; instance; instance = instances[next++])
      if (await work(instance)) finished += 1;
    await giveBack();
    open -= 1;
  };
  const add = (count: number): void => {
    // Anybody who reaches the engine's port can send this signal.
    const more = Number.isSafeInteger(count) ? Math.min(count, mostLanes - open) : 0;
    open += Math.max(0, more);
    for (let index = 0; index < more; index += 1) void lane();
  };
  setHandler(moreLanesSignal, add);
  add(lanes);
  await CancellationScope.nonCancellable(() => condition(() => open === 0));
  return { finished, failed: instances.length - finished };
}
