// An in-memory cloud for tests and benchmarks, with the same contract and no network. A world outlives its drivers, as
// machines outlive workers; it counts calls and effects, and injects failures.
import { refused } from '../error.ts';
import type { ProviderError } from '../error.ts';
import type {
  CloudDriver,
  Machine,
  MachineRef,
  MachineState,
  PowerAction,
  PowerAnswer,
  PowerRequest,
} from './driver.ts';

const provider = 'memory';

type Method = 'find' | 'power' | 'finished' | 'list';

interface MemoryMachine extends Machine {
  /** Its next state, reached after this many more reads. */
  next: { state: MachineState; looks: number } | null;
}

interface MemoryJob {
  machine: string;
  looks: number;
  fails: boolean;
}

/** A power change that actually began. */
interface Begun {
  id: string;
  action: PowerAction;
  force: boolean;
}

export interface CloudWorld {
  machines: Map<string, MemoryMachine>;
  jobs: Map<string, MemoryJob>;
  /** Responses by client token. */
  answers: Map<string, PowerAnswer>;
  /** Calls by method name. */
  calls: Partial<Record<Method, number>>;
  begun: Begun[];
  /** Number of reads until a change shows. */
  looks: number;
  /** Returns an asynchronous job from power calls. */
  withJobs: boolean;
  /** New jobs fail. */
  failJobs: boolean;
  /** Of `list`. */
  pageSize: number;
  /** Thrown before any effect; decides per method and machine. */
  failure: ((method: Method, id: string) => ProviderError | undefined) | null;
  /** Thrown after the effect, like a connection lost before the response. */
  failureAfter: ((method: Method, id: string) => ProviderError | undefined) | null;
  /** Delays a call. */
  delay: ((method: Method, id: string) => Promise<void>) | null;
  inFlight: number;
  mostInFlight: number;
}

/** Creates a world without machines in which changes show at the first read. */
export const createCloudWorld = (): CloudWorld => ({
  machines: new Map(),
  jobs: new Map(),
  answers: new Map(),
  calls: {},
  begun: [],
  looks: 0,
  withJobs: false,
  failJobs: false,
  pageSize: 100,
  failure: null,
  failureAfter: null,
  delay: null,
  inFlight: 0,
  mostInFlight: 0,
});

/** Adds a machine to a world; returns its inventory reference. */
export function addMachine(
  world: CloudWorld,
  { id, state = 'running', hostId = 0 }: { id: string; state?: MachineState; hostId?: number },
): MachineRef {
  const place = { account: 'main', region: 'memory-1', id };
  world.machines.set(id, {
    place,
    name: id,
    state,
    detail: state,
    cpu: 2,
    memory: 4096,
    osType: 'linux',
    location: 'memory-1',
    last: null,
    addresses: [{ address: '192.0.2.1', addrType: 'PRIVATE' }],
    next: null,
  });
  return { providerId: id, hostId, name: id, place: null };
}

/** The key of a machine: physical ones have no provider id. */
const keyOf = ({ providerId, name }: MachineRef): string => providerId ?? name;

const passing = { start: 'starting', stop: 'stopping', restart: 'restarting' } as const;
const reached = { start: 'running', stop: 'stopped', restart: 'running' } as const;

class MemoryCloud implements CloudDriver {
  readonly name = 'Memory cloud';
  readonly #world: CloudWorld;

  constructor(world: CloudWorld) {
    this.#world = world;
  }

  async #call<T>(method: Method, id: string, work: () => T): Promise<T> {
    const world = this.#world;
    world.calls[method] = (world.calls[method] ?? 0) + 1;
    world.inFlight += 1;
    world.mostInFlight = Math.max(world.mostInFlight, world.inFlight);
    try {
      await world.delay?.(method, id);
      const before = world.failure?.(method, id);
      if (before) throw before;
      const answer = work();
      const after = world.failureAfter?.(method, id);
      if (after) throw after;
      return answer;
    } finally {
      world.inFlight -= 1;
    }
  }

  #machine(id: string): MemoryMachine {
    const machine = this.#world.machines.get(id);
    if (!machine) throw refused(provider, `there is no machine ${id}`);
    return machine;
  }

  async find(ref: MachineRef): Promise<Machine> {
    const id = keyOf(ref);
    return this.#call('find', id, () => {
      const machine = this.#world.machines.get(id);
      if (!machine) return gone(id);
      step(machine);
      const { next: _next, ...shown } = machine;
      return structuredClone(shown);
    });
  }

  async power(ref: MachineRef, request: PowerRequest): Promise<PowerAnswer> {
    const id = keyOf(ref);
    return this.#call('power', id, () => {
      const known = this.#world.answers.get(request.token);
      if (known) return known;
      const answer = this.#begin(this.#machine(id), request);
      this.#world.answers.set(request.token, answer);
      return answer;
    });
  }

  #begin(machine: MemoryMachine, { action, force, token }: PowerRequest): PowerAnswer {
    const world = this.#world;
    const { id } = machine.place;
    if (action !== 'restart' && machine.state === reached[action])
      return { job: null, note: `was ${machine.state} already` };
    world.begun.push({ id, action, force });
    machine.state = passing[action];
    machine.next = { state: reached[action], looks: world.looks };
    if (!world.withJobs) return { job: null, note: null };
    const job = `job-${token}`;
    world.jobs.set(job, { machine: id, looks: world.looks, fails: world.failJobs });
    return { job, note: null };
  }

  async finished(ref: MachineRef, job: string): Promise<boolean> {
    return this.#call('finished', keyOf(ref), () => {
      const known = this.#world.jobs.get(job);
      if (!known) throw refused(provider, `there is no job ${job}`);
      if (known.looks-- > 0) return false;
      if (known.fails) throw refused(provider, `the job ${job} failed`);
      return true;
    });
  }

  async *list(): AsyncIterable<Machine[]> {
    const { machines, pageSize } = this.#world;
    const all = [...machines.values()];
    for (let at = 0; at < all.length; at += pageSize)
      yield await this.#call('list', '', () =>
        all.slice(at, at + pageSize).map(({ next: _next, ...shown }) => structuredClone(shown)),
      );
  }
}

function step(machine: MemoryMachine): void {
  const { next } = machine;
  if (!next) return;
  if (next.looks-- > 0) return;
  machine.state = next.state;
  machine.next = null;
}

const gone = (id: string): Machine => ({
  place: { account: '', region: '', id },
  name: '',
  state: 'gone',
  detail: 'no account has it',
  addresses: [],
  cpu: null,
  memory: null,
  osType: '',
  location: '',
  last: null,
});

/** Creates a driver over the world; each represents another worker. */
export const createMemoryCloud = (world: CloudWorld): CloudDriver => new MemoryCloud(world);
