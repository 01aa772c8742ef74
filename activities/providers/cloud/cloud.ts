// One driver over all accounts and regions of a provider. Providers implement a small `CloudApi` for one account in one
// region; lookup, idempotency and paging are implemented here once.
import { before, refused, unavailable, OutcomeUnknownError } from '../error.ts';
import type {
  AskedBefore,
  CloudDriver,
  Machine,
  MachinePlace,
  MachineRef,
  PowerAction,
  PowerAnswer,
  PowerRequest,
} from './driver.ts';

/** A provider's API for one account in one region. Every method throws ProviderError only. */
export interface CloudApi {
  readonly account: string;
  /** Empty: the account has no regions, and machines report their own. */
  readonly region: string;
  /** Null when the machine does not exist here. */
  get(id: string): Promise<Machine | null>;
  pages(): AsyncIterable<Machine[]>;
  /** Requests the change; returns the provider's job, if it has jobs. */
  power(id: string, action: PowerAction, force: boolean): Promise<string | null>;
  finished(job: string): Promise<boolean>;
  /** A machine's `last`, if it takes a separate call. */
  last?(id: string): Promise<string | null>;
  /**
   * Whether a restart has begun since that call, and its job: a restart leaves no state to compare. `unclear`: the provider
   * shows too little to decide.
   */
  restartedSince(id: string, asked: AskedBefore): Promise<{ job: string | null } | null | 'unclear'>;
}

interface Located {
  api: CloudApi;
  machine: Machine;
}

const isAt = ({ account, region }: MachinePlace, api: CloudApi): boolean =>
  api.account === account && (api.region === '' || api.region === region);

/** Finds the machine, starting at its known place. Reports it missing only if every place responded. */
async function locate(name: string, apis: readonly CloudApi[], ref: MachineRef): Promise<Located | null> {
  const { providerId: id, place } = ref;
  if (id === null) throw refused(name, `the host ${ref.name} has no provider_id, by which ${name} knows it`);
  const known = place && apis.find((api) => isAt(place, api));
  if (known) {
    const machine = await known.get(id);
    if (machine) return { api: known, machine };
  }
  const others = apis.filter((api) => api !== known);
  const answers = await Promise.allSettled(others.map(async (api) => ({ api, machine: await api.get(id) })));
  for (const answer of answers)
    if (answer.status === 'fulfilled' && answer.value.machine)
      return { api: answer.value.api, machine: answer.value.machine };
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed) throw failed.reason;
  return null;
}

const gone = (name: string, id: string, hostName: string): Machine => ({
  place: { account: '', region: '', id },
  name: hostName,
  state: 'gone',
  detail: `${name} does not know it`,
  addresses: [],
  cpu: null,
  memory: null,
  osType: '',
  location: '',
  last: null,
});

const reached = { start: 'running', stop: 'stopped', restart: null } as const;
const onItsWay: Record<PowerAction, readonly string[]> = {
  start: ['starting', 'restarting'],
  stop: ['stopping'],
  restart: ['restarting', 'starting', 'stopping'],
};

/** A call without a response may still be in flight; it is not repeated before this time. */
const settleMs = 3_000;

const hint = 'the answer was lost; look at it, and restart it again if it was not';

/** The earlier requested restart, if it began; throws when it may have begun, or still may. */
async function restartBefore(name: string, { api, machine }: Located, asked: AskedBefore): Promise<PowerAnswer | null> {
  const begun = await before(api.restartedSince(machine.place.id, asked));
  if (begun === 'unclear')
    throw new OutcomeUnknownError(name, `${name}: whether ${machine.name} was restarted is not known, as ${hint}`);
  if (begun) return { job: begun.job, note: 'was asked for already' };
  if (Date.now() - asked.time.getTime() < settleMs)
    throw unavailable(name, `${name}: no answer to the restart of ${machine.name}; looking whether it came`);
  return null;
}

async function power(name: string, located: Located, request: PowerRequest): Promise<PowerAnswer> {
  const { api, machine } = located;
  const { action, force, askedBefore } = request;
  const { id } = machine.place;
  const { state } = machine;
  // Changes already reached or in progress are not requested again.
  if (state === reached[action] || onItsWay[action].includes(state)) return { job: null, note: `was ${state} already` };
  if (action === 'restart') {
    const earlier = askedBefore && (await restartBefore(name, located, askedBefore));
    if (earlier) return earlier;
    if (state === 'stopped') throw refused(name, `${name}: ${machine.name} (${id}) is stopped; start it instead`);
  }
  return { job: await api.power(id, action, force), note: null };
}

/** Creates the driver `name` over these accounts and regions. */
export function createCloud(name: string, apis: readonly CloudApi[]): CloudDriver {
  const found = async (ref: MachineRef): Promise<Located> => {
    const located = await locate(name, apis, ref);
    if (located) return located;
    throw refused(name, `${name} does not know the machine ${ref.providerId ?? ''} of host ${ref.name}`);
  };
  const seen = (machine: Machine | undefined): Located | null => {
    const api = machine && apis.find((one) => isAt(machine.place, one));
    return api ? { api, machine } : null;
  };
  return {
    name,
    find: async (ref, { withLast } = { withLast: false }) => {
      const located = await locate(name, apis, ref);
      if (!located) return gone(name, ref.providerId ?? '', ref.name);
      const { api, machine } = located;
      return withLast && api.last ? { ...machine, last: await api.last(machine.place.id) } : machine;
    },
    power: async (ref, request) => power(name, seen(request.seen) ?? (await before(found(ref))), request),
    finished: async (ref, job) => {
      const { place } = ref;
      const api = (place && apis.find((one) => isAt(place, one))) ?? (await found(ref)).api;
      return api.finished(job);
    },
    async *list() {
      for (const api of apis) yield* api.pages();
    },
  };
}
