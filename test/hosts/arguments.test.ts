// What is run as root, and what fetches a package, on a host: values reach them, and are in no argument that others see.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asRoot } from '../../activities/hosts/as-root.ts';
import { fetchIt } from '../../activities/hosts/install.ts';
import { unique } from '../support/harness.ts';
import { awkward } from '../support/providers/runner-scenarios.ts';
import { commandsNaming } from '../providers/runner-values.suite.ts';

const usual = ['/usr/local/bin', '/usr/bin', '/bin'];
const folder = mkdtempSync(join(tmpdir(), 'slipway-arguments-'));
const own = (name: string): string => join(folder, name);
beforeAll(() => {
  chmodSync(folder, 0o711);
  mkdirSync(own('bin'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a script as a job does; returns its exit status and output. */
async function run(script: string, env: Record<string, string>): Promise<{ status: number | null; said: string }> {
  const file = own(unique());
  writeFileSync(file, script);
  const child = spawn('/bin/bash', [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, said };
}

test('who becomes root by sudo has all settings as they are, nothing else of the environment, and none in an argument', async () => {
  // As sudo does: nothing of the environment comes along, and then it is root.
  const sudo = `#!/bin/bash\nprintf '%s\\n' "$*" >>${own('asked')}\n[ "$1" = -n ] && shift\nexec env -i PATH="$PATH" ROOT=1 "$@"\n`;
  writeFileSync(own('bin/sudo'), sudo, { mode: 0o755 });
  writeFileSync(own('bin/id'), '#!/bin/sh\n[ -n "${ROOT-}" ] && echo 0 || echo 1000\n', { mode: 0o755 });
  const script = `set -eu\n${asRoot}id -u\nprintf '%s|' "$SLIPWAY_NAME" "$SLIPWAY_EMPTY" "\${OTHER-none}"\ncat\n`;
  const env = { SLIPWAY_ROOT: 'sudo', SLIPWAY_SECONDS: '60', SLIPWAY_NAME: awkward, SLIPWAY_EMPTY: '', OTHER: 'other' };
  const { status, said } = await run(script, { ...env, PATH: [own('bin'), ...usual].join(':') });
  expect([status, said]).toEqual([0, `0\n${awkward}||none|`]);
  expect(readFileSync(own('asked'), 'utf8')).toMatch(/^-n bash -c :\n-n bash \S+ settings\n$/);
});

describe('a package is fetched, and its address is in no argument', () => {
  const program = (name: string): string | undefined => usual.map((place) => join(place, name)).find(existsSync);
  const fetchers = ['curl', 'wget'].filter(program);

  test.each(fetchers)('by %s', async (name) => {
    const bin = own(name);
    mkdirSync(bin);
    for (const needed of [name, 'sed', 'cat']) symlinkSync(program(needed) ?? '/nowhere', join(bin, needed));
    const token = `token-${unique()}`;
    let seen: string[] = [];
    const server = createServer(({ url }, response) => {
      seen = commandsNaming(token, join(bin, 'file'));
      response.end(url);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const path = `/file?token=${token}&quoted="\\n"`;
    const { status } = await run(`set -eu\nfile=${join(bin, 'file')}\n${fetchIt}fetch\n`, {
      PATH: bin,
      SLIPWAY_SECONDS: '60',
      SLIPWAY_SOURCE: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    });
    server.close();
    expect(status).toBe(0);
    expect(decodeURIComponent(readFileSync(join(bin, 'file'), 'utf8'))).toBe(path);
    expect(seen.map((command) => command.split(' ')[0])).toEqual([name]);
    expect(seen.filter((command) => command.includes(token))).toEqual([]);
  });

  test.each(fetchers)('and one that is not there fails by %s', async (name) => {
    const { status } = await run(`set -eu\nfile=${own('none')}\n${fetchIt}fetch || exit 9\n`, {
      PATH: own(name),
      SLIPWAY_SECONDS: '60',
      SLIPWAY_SOURCE: 'http://127.0.0.1:1/none',
    });
    expect(status).toBe(9);
  });

  test('from a path of the host', async () => {
    writeFileSync(own('package'), 'content');
    const source = own('package');
    const { status } = await run(`set -eu\nfile=${own('copy')}\n${fetchIt}fetch\n`, {
      PATH: usual.join(':'),
      SLIPWAY_SECONDS: '60',
      SLIPWAY_SOURCE: source,
    });
    expect([status, readFileSync(own('copy'), 'utf8')]).toEqual([0, 'content']);
  });
});
