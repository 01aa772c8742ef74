// The real `ipmitool` against OpenIPMI's simulator of a management controller.
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineRef, PowerAction } from '../../activities/providers/cloud/driver.ts';
import { createIpmi } from '../../activities/providers/cloud/ipmi.ts';
import { eventually, unique } from '../support/harness.ts';
import { failureOf } from './cloud-doubles.suite.ts';
import { request } from './cloud.suite.ts';
import { debian } from '../support/servers/install.ts';

const password = `hush-${unique()}`;
const username = 'slipway';
const folder = mkdtempSync(join(tmpdir(), 'slipway-ipmi-sim-'));
const at = (name: string): string => join(folder, name);
let simulator: ChildProcess;
let machine: MachineRef;

/** A free UDP port of loopback. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

// What the simulator calls to read and to change the power of its machine.
const chassis = `#!/bin/bash
shift
case "$1 $2" in
  "get power") echo "power:$(cat ${at('power')})" ;;
  "set power") echo "$3" > ${at('power')}; echo "power $3" >> ${at('calls')} ;;
  "set reset") echo reset >> ${at('calls')} ;;
  "set shutdown") echo 0 > ${at('power')}; echo shutdown >> ${at('calls')} ;;
esac
`;

const lan = (port: number): string => `name "sim"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "${at('chassis')} 0x20"
  user 2 true "${username}" "${password}" admin 10 none md2 md5 straight
`;

const controller = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
`;

const driver = () => createIpmi({ program: 'ipmitool', rate: 100, timeoutMs: 15_000 });
const calls = (): string[] => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : []);
const power = (state: 0 | 1): void => {
  writeFileSync(at('power'), `${state}\n`);
  rmSync(at('calls'), { force: true });
};

beforeAll(async () => {
  await debian('/usr/bin/ipmi_sim', 'openipmi', 'ipmitool');
  const port = await freePort();
  mkdirSync(at('state'));
  writeFileSync(at('chassis'), chassis, { mode: 0o755 });
  writeFileSync(at('lan.conf'), lan(port));
  writeFileSync(at('sim.emu'), controller);
  power(1);
  simulator = spawn('ipmi_sim', ['-c', at('lan.conf'), '-f', at('sim.emu'), '-s', at('state'), '-n'], {
    stdio: 'ignore',
  });
  const ipmi = { address: `127.0.0.1:${port}`, username, password };
  machine = { providerId: null, hostId: 1, name: 'phy-1', place: null, ipmi: () => ipmi };
  await eventually(
    () =>
      driver()
        .find(machine)
        .catch(() => false),
    { timeout: 60_000 },
  );
});
afterAll(() => {
  simulator.kill();
  rmSync(folder, { recursive: true });
});

test.each<[PowerAction, boolean, 0 | 1, string[]]>([
  ['start', false, 0, ['power 1']],
  ['stop', true, 1, ['power 0']],
  ['stop', false, 1, ['shutdown']],
  ['restart', true, 1, ['reset']],
])(
  '%s (force: %s) does the one thing',
  async (action, force, before, expected) => {
    power(before);
    await driver().power(machine, request(action, { force }));
    expect(calls()).toEqual(expected);
    expect(await driver().find(machine)).toMatchObject({ state: action === 'stop' ? 'stopped' : 'running' });
  },
  60_000,
);

test('a machine that is on is not switched on again', async () => {
  power(1);
  expect(await driver().power(machine, request('start'))).toEqual({ job: null, note: 'was running already' });
  expect(calls()).toEqual([]);
}, 60_000);

test.each([
  ['a wrong password', { password: 'other' }, 'refused', "correct the host's ipmi"],
  ['an unknown user', { username: 'other' }, 'refused', "correct the host's ipmi"],
  ['a port where nobody listens', { address: '127.0.0.1:9' }, 'unavailable', 'does not answer'],
] as const)(
  '%s is told apart',
  async (_name, over, kind, part) => {
    const access = machine.ipmi?.();
    if (!access) throw new Error('no ipmi');
    const error = await failureOf(driver().find({ ...machine, ipmi: () => ({ ...access, ...over }) }));
    expect(error).toMatchObject({ kind, message: expect.stringContaining(part) });
    expect(error.message).not.toContain(password);
  },
  60_000,
);
