// FTP servers as they are met: behind NAT, without SIZE or EPSV, with names in another encoding.
import { mkdtempSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryAddress } from '../../kit/repository-address.ts';
import type { RepositoryEncoding } from '../../kit/repository-address.ts';
import { oddNames } from '../support/odd-names.ts';
import { tarOf } from '../support/providers/archives.ts';
import { packagesIn } from '../support/providers/packages.ts';
import { expectRefusal } from './runner.suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-ftp-'));
const open: { server: Server; sockets: Socket[] }[] = [];
afterAll(() => {
  for (const { server, sockets } of open) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

async function listen(handle: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    handle(socket);
  });
  open.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Wish {
  /** Replies to commands instead of the usual ones. */
  replies?: Record<string, string>;
  /** Says of itself in PASV. */
  address?: string;
}

/** A server of one folder, `/d`, whose names are bytes, each a character here. */
async function ftpServer(files: Record<string, Buffer>, { replies = {}, address = '127.0.0.1' }: Wish = {}) {
  const port = await listen((control) => {
    let bring: (bytes: Buffer) => void = () => undefined;
    let folderNow = '/';
    const reply = (text: string): void => void control.write(`${text}\r\n`, 'latin1');
    const passive = async (answer: (at: number) => string): Promise<void> => {
      let sent: Buffer | null = null;
      let data: Socket | null = null;
      const send = (): void => {
        if (sent && data) data.end(sent, () => reply('226 done'));
      };
      const at = await listen((socket) => {
        data = socket;
        send();
      });
      bring = (bytes) => {
        reply('150 here it comes');
        sent = bytes;
        send();
      };
      reply(answer(at));
    };
    const fileAt = (path: string): Buffer | undefined => files[path.replace(/^\/d\//, '')];
    const usual: Record<string, (argument: string) => unknown> = {
      USER: () => reply('331 password'),
      PASS: () => reply('230 in'),
      FEAT: () => reply('211 none'),
      PWD: () => reply('257 "/" is here'),
      EPSV: () => reply('500 unknown'),
      PASV: () => passive((at) => `227 Passive (${address.replaceAll('.', ',')},${at >> 8},${at & 255})`),
      SIZE: (path) => reply(fileAt(path) ? `213 ${fileAt(path)?.length}` : '550 no'),
      CWD: (path) => {
        const isFolder = path === '/' || path === '/d';
        if (isFolder) folderNow = path;
        reply(isFolder ? '250 there' : '550 no');
      },
      LIST: () => {
        const lines = Object.entries(folderNow === '/d' ? files : {}).map(
          ([name, { length }]) => `-rw-r--r-- 1 me me ${length} Jan 01 2024 ${name}\r\n`,
        );
        bring(Buffer.from(lines.join(''), 'latin1'));
      },
      RETR: (path) => bring(fileAt(path) ?? Buffer.alloc(0)),
    };
    reply('220 welcome');
    let rest = '';
    control.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, command = '', argument = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
        if (replies[command]) reply(replies[command]);
        else (usual[command] ?? (() => reply('200 fine')))(argument);
      }
    });
  });
  return `ftp://127.0.0.1:${port}/`;
}

function fetch(url: string, path: string, encoding?: RepositoryEncoding) {
  const address = repositoryAddress('FTP', url);
  if (!address) throw new Error(`not an address: ${url}`);
  const packages = packagesIn(mkdtempSync(join(folder, 'data-')), { idleMs: 5_000 });
  return packages.fetch({ url, address, branch: null, credential: null, encoding }, path);
}

const tar = tarOf([{ path: 'a', content: 'x' }]);
const files = { 'app.tar': tar };

test('data comes from the server that was spoken to, whatever address it tells', async () => {
  const url = await ftpServer(files, { address: '10.255.255.1' });
  expect(await fetch(url, 'd/app.tar')).toMatchObject({ size: tar.length });
  expect(await fetch(url, 'd')).toMatchObject({ entries: 1 });
});

test.each(['500 unknown command', '502 not implemented', '550 SIZE is not allowed'])(
  'a server that answers SIZE with %j has its files',
  async (reply) => {
    const url = await ftpServer(files, { replies: { SIZE: reply } });
    expect(await fetch(url, 'd/app.tar')).toMatchObject({ size: tar.length });
    await expectRefusal(fetch(url, 'd/none.tar'), 'refused', 'there is no package at');
    await expectRefusal(
      fetch(url, 'none/app.tar'),
      'refused',
      reply.startsWith('550') ? 'no package' : 'tells no sizes',
    );
  },
);

test.each<[string, Record<string, string>, 'refused' | 'unavailable', string]>([
  ['a server that is full', { USER: '421 too many users' }, 'unavailable', "can't serve now"],
  ['a server that wants TLS', { USER: '530 Non-anonymous sessions must use encryption.' }, 'refused', 'wants TLS'],
  ['a wrong password', { PASS: '530 no' }, 'refused', 'does not accept this user name'],
  ['no data connection at all', { PASV: '502 no' }, 'refused', 'reply 502'],
])('%s is told as what it is', async (_, replies, kind, said) => {
  await expectRefusal(fetch(await ftpServer(files, { replies }), 'd'), kind, said);
});

describe.each<[RepositoryEncoding, 'listed' | 'gbk']>([
  ['utf8', 'listed'],
  ['gbk', 'gbk'],
])('names in %s', (encoding, column) => {
  test.each(oddNames)('are taken as they are, or refused: $what', async (odd) => {
    const name = odd[column];
    const url = await ftpServer({ [odd.bytes.toString('latin1')]: Buffer.from('x') });
    const fetched = fetch(url, 'd', encoding);
    if (name === null) return expectRefusal(fetched, 'refused', 'set the encoding of the repository');
    const args = ['-tf', (await fetched).tarPath, '--quoting-style=literal'];
    expect(execFileSync('tar', args, { encoding: 'utf8' })).toBe(`${name}\n`);
    expect(await fetch(url, `d/${name}`, encoding)).toMatchObject({ size: 1 });
  });
});

test('a path that the encoding of the repository does not have is refused, and says why', async () => {
  await expectRefusal(
    fetch(await ftpServer(files), 'd/\u{1f680}.tar', 'gbk'),
    'refused',
    "the repository's names are GBK",
  );
});
