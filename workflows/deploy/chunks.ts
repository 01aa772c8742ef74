// Fans a large sub-task out to children of fifty instances, which keeps histories short, with ten hosts in progress over all
// of them: its lanes. A lane without further work in its chunk returns to the sub-task, which passes it to the next chunk,
// so an unreachable host blocks only one lane.
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

/** From a chunk: one of its lanes has no further work. */
const laneFreeSignal = defineSignal<[number]>('laneFree');
/** To a chunk: it may work on this many more hosts at a time. */
const moreLanesSignal = defineSignal<[number]>('moreLanes');

function chunksOf(input: SubTaskInput): Omit<SubTaskChunkInput, 'lanes'>[] {
  const count = Math.ceil(input.instances.length / instancesPerChunk);
  return Array.from({ length: count }, (_, index) => {
    const from = index * instancesPerChunk;
    const instances = input.instances.slice(from, from + instancesPerChunk);
    return { ...input, instances, chunk: index + 1, isLast: index + 1 === count };
  });
}

/** Works through the chunks of a sub-task; `finish` receives the number of instances that a chunk finished. */
export async function inChunks(input: SubTaskInput, lanes: number, finish: (count: number) => void): Promise<void> {
  const chunks = chunksOf(input);
  const dispatcher = new Dispatcher(lanes, finish, (chunk) => `${input.kind} chunk ${chunk} of ${chunks.length}`);
  setHandler(laneFreeSignal, (chunk) => dispatcher.laneFree(chunk));
  await dispatcher.run(chunks);
}

class Dispatcher {
  #free: number;
  /** Lanes of each running chunk. */
  readonly #held = new Map<number, number>();
  readonly #finish: (count: number) => void;
  readonly #summary: (chunk: number) => string;
  /** Chunks without further work to begin. */
  readonly #exhausted = new Set<number>();

  constructor(lanes: number, finish: (count: number) => void, summary: (chunk: number) => string) {
    this.#free = lanes;
    this.#finish = finish;
    this.#summary = summary;
  }

  laneFree(chunk: number): void {
    const lanes = this.#held.get(chunk);
    // An ended chunk has returned all its lanes.
    if (lanes === undefined) return;
    this.#held.set(chunk, lanes - 1);
    this.#exhausted.add(chunk);
    this.#free += 1;
  }

  /** Waits for every begun chunk, also after a cancellation, which it throws afterwards. */
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

  /** A chunk terminated by hand leaves its instances open; the end of the sub-task settles them. */
  async #follow(chunk: number, begun: Promise<ChildWorkflowHandle<Chunk>>): Promise<void> {
    try {
      const { finished } = await (await begun).result();
      this.#finish(finished);
    } catch {
      // Its finished instances are recorded in their rows, but count as failed here.
    }
    this.#free += this.#held.get(chunk) ?? 0;
    this.#held.delete(chunk);
    this.#exhausted.add(chunk);
  }

  /** Passes every free lane to a chunk while the chunk can use it. */
  async #feed(chunk: number, begun: Promise<ChildWorkflowHandle<Chunk>>): Promise<void> {
    const handle = await begun.catch((error: unknown) => {
      if (isCancellation(error)) throw error;
    });
    const isOver = (): boolean => this.#exhausted.has(chunk);
    for (;;) {
      await condition(() => isOver() || this.#free > 0);
      if (isOver()) return;
      // A chunk that has just ended returns them with its end.
      await handle?.signal(moreLanesSignal, this.#take(chunk)).catch(() => undefined);
    }
  }
}

/** Works on as many instances at a time as the chunk has lanes, `mostLanes` at most. */
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
    // Anyone who reaches the engine's port can send this signal.
    const more = Number.isSafeInteger(count) ? Math.min(count, mostLanes - open) : 0;
    open += Math.max(0, more);
    for (let index = 0; index < more; index += 1) void lane();
  };
  setHandler(moreLanesSignal, add);
  add(lanes);
  await CancellationScope.nonCancellable(() => condition(() => open === 0));
  return { finished, failed: instances.length - finished };
}
