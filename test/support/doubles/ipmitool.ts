// A double of the program `ipmitool`, whose controllers are a file in its folder. Accepts only the real program's arguments,
// requires the password in its environment, and fails with the real messages.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type IpmiFault = 'refuse' | 'drop_before' | 'drop_after' | 'hang' | 'garbage';

export interface Controllers {
  /** By address. */
  machines: Record<string, { user: string; password: string; power: 'on' | 'off'; begun: string[] }>;
  /** The outcome of the next power change. */
  next: IpmiFault | null;
  /** Every run: its arguments and the names of its environment. */
  runs: { args: string[]; env: string[] }[];
}

const changes: Record<string, { says: string; power: 'on' | 'off'; begins: string }> = {
  on: { says: 'Up/On', power: 'on', begins: 'start' },
  off: { says: 'Down/Off', power: 'off', begins: 'stop' },
  soft: { says: 'Soft', power: 'off', begins: 'stop' },
  reset: { says: 'Reset', power: 'on', begins: 'restart' },
};

class IpmitoolError extends Error {}

const session = 'Error: Unable to establish IPMI v2 / RMCP+ session';

function play(state: Controllers, args: string[], password: string | undefined): string {
  const [i, lanplus, v, h, address = '', p, port, u, user, e, n, one, r, two, chassis, power, what = ''] = args;
  const flags = [i, lanplus, v, h, p, u, e, n, one, r, two, chassis, power].join(' ');
  if (flags !== '-I lanplus -v -H -p -U -E -N 1 -R 2 chassis power' || port !== '623' || args.length !== 17)
    throw new IpmitoolError(`Invalid arguments: ${args.length}`);
  const machine = state.machines[address];
  if (!machine) throw new IpmitoolError(session);
  if (machine.user !== user)
    throw new IpmitoolError(`RAKP 2 message indicates an error : unauthorized name\n${session}`);
  if (password === undefined || machine.password !== password)
    throw new IpmitoolError(`RAKP 2 HMAC is invalid\n${session}`);
  if (what === 'status') return `Chassis Power is ${machine.power}\n`;
  const change = changes[what];
  if (!change) throw new IpmitoolError(`Invalid chassis power command: ${what}`);
  const fault = state.next;
  state.next = null;
  if (fault === 'drop_before') throw new IpmitoolError(session);
  if (fault === 'refuse')
    throw new IpmitoolError(
      `Set Chassis Power Control to ${change.says} failed: Command not supported in present state`,
    );
  if (fault === 'garbage') return 'Segmentation fault';
  machine.begun.push(change.begins);
  machine.power = change.power;
  if (fault === 'hang') return 'hang';
  if (fault === 'drop_after') throw new IpmitoolError('Error: No response from remote controller');
  return `Chassis Power Control: ${change.says}\n`;
}

function main([, , program = '', ...args]: string[]): void {
  const path = join(dirname(program), 'controllers.json');
  const state = JSON.parse(readFileSync(path, 'utf8')) as Controllers;
  state.runs.push({ args, env: Object.keys(process.env) });
  try {
    const says = play(state, args, process.env['IPMI_PASSWORD']);
    if (says === 'hang') setInterval(() => undefined, 60_000);
    else process.stdout.write(says);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : ''}\n`);
    process.exitCode = 1;
  }
  writeFileSync(path, JSON.stringify(state));
}

if (import.meta.main) main(process.argv);
