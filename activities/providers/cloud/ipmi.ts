// Power of physical hosts by IPMI. A controller knows on and off but has no history, so a reset whose response was lost
// can't be verified. Such a reset is not retried but reported to a person.
import { before, refused, OutcomeUnknownError } from '../error.ts';
import { printedText } from '../printed-text.ts';
import { callTimeoutMs } from './calls.ts';
import type { CallOptions } from './calls.ts';
import type { CloudDriver, IpmiAccess, Machine, MachineRef, PowerAnswer, PowerRequest } from './driver.ts';
import { ResponseLostError, ipmiName, ipmitool } from './ipmitool.ts';
import { ownTurns } from './rate.ts';

interface IpmiOptions extends CallOptions {
  /** The program, by name or path. */
  program: string;
}

function accessOf({ ipmi, name }: MachineRef): IpmiAccess {
  if (ipmi) return ipmi();
  throw refused(ipmiName, `the host ${name} has no ipmi: set its address, username and password`);
}

const states = { on: 'running', off: 'stopped' } as const;

const toMachine = (ref: MachineRef, power: keyof typeof states): Machine => ({
  place: { account: 'ipmi', region: '', id: ref.name },
  name: ref.name,
  state: states[power],
  detail: `power is ${power}`,
  addresses: [],
  cpu: null,
  memory: null,
  osType: '',
  location: '',
  last: null,
});

const hint = 'whether it was reset is not known: look at it, and restart it again if it was not';

class Ipmi implements CloudDriver {
  readonly name = ipmiName;
  readonly #run: (ref: MachineRef, ...command: string[]) => Promise<string>;

  constructor({ program, rate, timeoutMs = callTimeoutMs, turns = ownTurns }: IpmiOptions) {
    const turn = turns(ipmiName, rate);
    this.#run = async (ref, ...command) => {
      const access = accessOf(ref);
      await turn();
      return ipmitool({ program, timeoutMs }, ref.name, access, command);
    };
  }

  async find(ref: MachineRef): Promise<Machine> {
    const printed = await this.#run(ref, 'chassis', 'power', 'status');
    const power = /^\s*Chassis Power is (on|off)\s*$/im.exec(printed)?.[1]?.toLowerCase();
    if (power === 'on' || power === 'off') return toMachine(ref, power);
    const what = printedText(printed) || 'nothing';
    throw refused(ipmiName, `IPMI: ipmitool does not say whether ${ref.name} is on, and prints: ${what}`);
  }

  async power(ref: MachineRef, { action, force, askedBefore, seen }: PowerRequest): Promise<PowerAnswer> {
    const { state } = seen ?? (await before(this.find(ref)));
    if (state === { start: 'running', stop: 'stopped', restart: null }[action])
      return { job: null, note: `was ${state} already` };
    if (action === 'restart' && askedBefore)
      throw new OutcomeUnknownError(ipmiName, `IPMI: no answer about ${ref.name}; ${hint}`);
    if (action === 'restart') return this.#reset(ref, state);
    await this.#run(ref, 'chassis', 'power', action === 'start' ? 'on' : force ? 'off' : 'soft');
    return { job: null, note: null };
  }

  async #reset(ref: MachineRef, state: Machine['state']): Promise<PowerAnswer> {
    if (state === 'stopped') throw refused(ipmiName, `IPMI: ${ref.name} is off; start it instead`);
    try {
      await this.#run(ref, 'chassis', 'power', 'reset');
    } catch (error) {
      if (!(error instanceof ResponseLostError)) throw error;
      throw new OutcomeUnknownError(ipmiName, `${error.message}; ${hint}`);
    }
    return { job: null, note: null };
  }

  async finished(): Promise<boolean> {
    return true;
  }

  async *list(): AsyncIterable<Machine[]> {
    // Controllers have no other states.
  }
}

/** Creates the driver; a machine's controller is part of its reference. */
export const createIpmi = (options: IpmiOptions): CloudDriver => new Ipmi(options);
