// BIND of Debian on ports of the loopback, as its own user, with keys made on the fly.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../harness.ts';
import { debian } from './install.ts';
import { freePort, listens, startServer } from './process.ts';

const program = '/usr/sbin/named';
const user = 'bind';

interface BindKey {
  name: string;
  algorithm: 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512';
  /** Base64. */
  secret: string;
}

export const aBindKey = (name: string, algorithm: BindKey['algorithm'] = 'hmac-sha256'): BindKey => ({
  name,
  algorithm,
  secret: randomBytes(48).toString('base64'),
});

const keyText = ({ name, algorithm, secret }: BindKey): string =>
  `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`;

export interface BindServer {
  dnsPort: number;
  rndcPort: number;
  statisticsPort: number;
  rndcKey: BindKey;
  folder: string;
  /** A file below its folder; undefined if there is none. */
  file(name: string): string | undefined;
  write(name: string, text: string): void;
  /** Runs nsupdate as another client: lines of it, without `server` and `send`. */
  nsupdate(key: BindKey | null, ...lines: string[]): void;
  rndc(...words: string[]): string;
  said(): string;
  stop(): Promise<void>;
}

interface BindWish {
  keys?: BindKey[];
  rndcKey?: BindKey;
  /** Lines within `options`. */
  options?: string[];
  /** Views, or zones. */
  zones?: string;
  files?: Record<string, string>;
  /** False: a control channel is there, and zones cannot be added. */
  allowsNewZones?: boolean;
}

const optionsText = (folder: string, dnsPort: number, { options = [], allowsNewZones = true }: BindWish): string =>
  [
    'options {',
    `directory "${folder}";`,
    `pid-file "${folder}/pid";`,
    `session-keyfile "${folder}/session.key";`,
    `listen-on port ${dnsPort} { 127.0.0.1; };`,
    'listen-on-v6 { none; };',
    'recursion no;',
    'dnssec-validation no;',
    'empty-zones-enable no;',
    'notify no;',
    `allow-new-zones ${allowsNewZones ? 'yes' : 'no'};`,
    ...options,
    '};\n',
  ].join('\n');

export async function startBind(wish: BindWish = {}): Promise<BindServer> {
  await debian(program, 'bind9', 'bind9-utils', 'bind9-dnsutils');
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bind-'));
  chmodSync(folder, 0o755);
  const uid = Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }));
  const write = (name: string, text: string): void => {
    writeFileSync(join(folder, name), text);
    chownSync(join(folder, name), uid, uid);
  };
  chownSync(folder, uid, uid);
  const rndcKey = wish.rndcKey ?? aBindKey('rndc-key');
  const [dnsPort, rndcPort, statisticsPort] = [await freePort(), await freePort(), await freePort()];
  for (const [name, text] of Object.entries(wish.files ?? {})) write(name, text);
  const channels = [
    `controls { inet 127.0.0.1 port ${rndcPort} allow { 127.0.0.1; } keys { "${rndcKey.name}"; }; };\n`,
    `statistics-channels { inet 127.0.0.1 port ${statisticsPort} allow { 127.0.0.1; }; };\n`,
  ];
  const keys = [...(wish.keys ?? []), rndcKey].map(keyText);
  write('named.conf', [...keys, ...channels, optionsText(folder, dnsPort, wish), wish.zones ?? ''].join(''));
  write('rndc.conf', `${keyText(rndcKey)}options { default-key "${rndcKey.name}"; };\n`);
  const server = startServer(program, ['-g', '-u', user, '-c', join(folder, 'named.conf')]);
  await eventually(
    async () => (await listens(dnsPort)) && (await listens(rndcPort)) && /\brunning\b/.test(server.said()),
    {
      timeout: 30_000,
    },
  ).catch(() => {
    throw new Error(`BIND does not listen: ${server.said()}`);
  });
  return {
    dnsPort,
    rndcPort,
    statisticsPort,
    rndcKey,
    folder,
    file: (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined),
    write,
    ...programsFor(folder, dnsPort, rndcPort),
    said: server.said,
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The programs that people change a server with. */
const programsFor = (folder: string, dnsPort: number, rndcPort: number): Pick<BindServer, 'nsupdate' | 'rndc'> => ({
  nsupdate: (key, ...lines) => {
    const credentials = key ? [`key ${key.algorithm}:${key.name} ${key.secret}`] : [];
    const input = [`server 127.0.0.1 ${dnsPort}`, ...credentials, ...lines, 'send', ''].join('\n');
    execFileSync('nsupdate', ['-v'], { input, stdio: ['pipe', 'pipe', 'pipe'] });
  },
  rndc: (...words) =>
    execFileSync('rndc', ['-c', join(folder, 'rndc.conf'), '-s', '127.0.0.1', '-p', String(rndcPort), ...words], {
      encoding: 'utf8',
    }),
});
