// The double of `ipmitool` as a program in a folder of its own, with controllers that a test adds, troubles and reads.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PowerAction } from '../../../activities/providers/cloud/driver.ts';
import { unique } from '../harness.ts';
import type { Controllers, IpmiFault } from './ipmitool.ts';

export interface Controller {
  name: string;
  address: string;
  username: string;
  password: string;
}

/** A folder with the program and its controllers. */
export function ipmiControllers() {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-ipmi-'));
  const program = join(folder, 'ipmitool');
  const script = join(import.meta.dirname, 'ipmitool.ts');
  writeFileSync(program, `#!${process.execPath} ${script}\n`, { mode: 0o755 });
  const path = join(folder, 'controllers.json');
  const read = (): Controllers => JSON.parse(readFileSync(path, 'utf8')) as Controllers;
  const change = (work: (state: Controllers) => void): void => {
    const state = read();
    work(state);
    writeFileSync(path, JSON.stringify(state));
  };
  writeFileSync(path, JSON.stringify({ machines: {}, next: null, runs: [] } satisfies Controllers));
  return {
    program,
    read,
    /** A new machine whose controller has this user and password. */
    add(power: 'on' | 'off', login: Pick<Controller, 'username' | 'password'>): Controller {
      const name = `phy-${unique()}`;
      const address = `${name}.ipmi.example.com`;
      change(({ machines }) => {
        machines[address] = { user: login.username, password: login.password, power, begun: [] };
      });
      return { name, address, ...login };
    },
    /** The outcome of the next power change. */
    meet: (fault: IpmiFault) => change((state) => (state.next = fault)),
    /** What a controller has begun, in order. */
    begun: (address: string) => (read().machines[address]?.begun ?? []) as PowerAction[],
    close: () => rmSync(folder, { recursive: true }),
  };
}
