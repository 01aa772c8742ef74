// Runs the program `ipmitool` without a shell, with the password only in its environment. Classifies its errors, above all
// whether the controller can have received the command.
import { spawn } from 'node:child_process';
import { isNever } from '../../../kit/addresses.ts';
import { addressesOf } from '../addresses.ts';
import { ProviderError, refused, unreached } from '../error.ts';
import type { IpmiAccess } from './driver.ts';

export const ipmiName = 'IPMI';

/** The controller may or may not have received the command. */
export class ResponseLostError extends ProviderError {}

interface IpmitoolOptions {
  program: string;
  timeoutMs: number;
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

const most = 10_000;

function run({ program, timeoutMs }: IpmitoolOptions, args: string[], password: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      IPMI_PASSWORD: password,
    };
    const child = spawn(program, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (part: Buffer) => (ended.stdout = (ended.stdout + part.toString()).slice(-most)));
    child.stderr.on('data', (part: Buffer) => (ended.stderr = (ended.stderr + part.toString()).slice(-most)));
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...ended, code }));
  });
}

/** The session was never opened, so no command was sent. */
const notSent =
  /Unable to establish|Address lookup .* failed|Could not open socket|No route to host|Network is unreachable/i;
const badLogin =
  /RAKP 2 (HMAC is invalid|message indicates an error)|unauthorized name|password invalid|Invalid user name|Authentication type/i;
const badPrivilege = /insufficient privilege|privilege level/i;

function failureOf(host: string, address: string, { code, stderr }: Ended): ProviderError {
  if (badLogin.test(stderr))
    return refused(
      ipmiName,
      `IPMI: the controller ${address} of ${host} refuses the user or password; correct the host's ipmi`,
    );
  if (badPrivilege.test(stderr))
    return refused(ipmiName, `IPMI: the user has too few privileges at the controller ${address} of ${host}`);
  if (notSent.test(stderr)) return unreached(ipmiName, `IPMI: the controller ${address} of ${host} does not answer`);
  const why = /failed: ([\w ,.()/-]{1,100})/.exec(stderr)?.[1];
  if (why !== undefined)
    return refused(ipmiName, `IPMI: the controller ${address} of ${host} refused the command: ${why}`);
  const how = code === null ? 'it was given up' : `ipmitool ended with ${code}`;
  return new ResponseLostError(
    'unavailable',
    ipmiName,
    `IPMI: no answer from the controller ${address} of ${host} (${how})`,
  );
}

/** Resolves a controller's name and checks the address to be used, which rules out DNS rebinding; unknown names stay. */
async function callable(host: string, name: string): Promise<string> {
  const addresses = await addressesOf(name).catch((): string[] => []);
  if (addresses.some(isNever))
    throw refused(ipmiName, `IPMI: the address of ${host}'s controller is link-local or a metadata service`);
  return addresses[0] ?? name;
}

/** Runs a command at a controller and returns its output. */
export async function ipmitool(
  options: IpmitoolOptions,
  host: string,
  { address, username, password }: IpmiAccess,
  command: readonly string[],
): Promise<string> {
  const [, name = address, port = '623'] =
    /^(.+?)(?::(\d{1,5}))?$/.exec(address.split(':').length > 2 ? '' : address) ?? [];
  // Only verbose output distinguishes a failed login from a network failure.
  const place = await callable(host, name);
  const login = ['-I', 'lanplus', '-v', '-H', place, '-p', port, '-U', username, '-E', '-N', '1', '-R', '2'];
  let ended: Ended;
  try {
    ended = await run(options, [...login, ...command], password);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw refused(
      ipmiName,
      `IPMI: ipmitool can't be run (${code}); install it on the workers, or set SLIPWAY_IPMITOOL`,
    );
  }
  if (ended.code !== 0) throw failureOf(host, address, ended);
  return ended.stdout;
}
