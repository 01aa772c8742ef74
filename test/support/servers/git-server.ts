// git's own HTTP backend behind a small server with basic authentication, in the clear or with a certificate; and the bare
// repository that it serves, which `commit` fills.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createPlain } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificates } from './account.ts';

const backend = '/usr/lib/git-core/git-http-backend';

export interface GitServer {
  url: string;
  /** The folder of bare repositories; `shop.git` is the one that is served. */
  root: string;
  /** Makes the files of a folder all that a branch holds. */
  commit(folder: string, branch?: string): string;
  connections(): number;
  /** Handles every request itself from now on. */
  answer(status: number, headers: Record<string, string>): void;
  stop(): Promise<void>;
}

const git = (args: string[], env: Record<string, string> = {}): string =>
  execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.com', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** Runs the backend as a web server does (RFC 3875). */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn(backend, {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REMOTE_ADDR: '127.0.0.1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin.on('error', () => undefined));
  let head = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk);
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const lines = head
      .slice(0, end)
      .split('\r\n')
      .map((line) => line.split(/: (.*)/s));
    const headers = Object.fromEntries(lines.map(([name = '', value = '']) => [name.toLowerCase(), value]));
    const { status = '200', ...rest } = headers;
    response.writeHead(Number.parseInt(status, 10), rest);
    response.write(Buffer.from(head.slice(end + 4), 'latin1'));
  });
  child.once('close', () => response.end());
}

interface GitWish {
  user?: { username: string; password: string };
  certificates?: Certificates;
}

export async function startGitServer({ user, certificates }: GitWish = {}): Promise<GitServer> {
  const root = mkdtempSync(join(tmpdir(), 'slipway-git-server-'));
  const bare = join(root, 'shop.git');
  git(['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  let connections = 0;
  let fixed: { status: number; headers: Record<string, string> } | null = null;
  const wanted = user && `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (fixed) response.writeHead(fixed.status, fixed.headers).end();
    else if (wanted && request.headers.authorization !== wanted)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    else serve(root, request, response);
  };
  const server = certificates
    ? createTls({ cert: readFileSync(certificates.certificateFile), key: readFileSync(certificates.keyFile) }, handle)
    : createPlain(handle);
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificates ? 'https' : 'http'}://localhost:${port}/shop.git`,
    root,
    commit: (folder, branch = 'main') => commitTo(bare, folder, branch),
    connections: () => connections,
    answer: (status, headers) => {
      fixed = { status, headers };
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** Writes a folder as the next commit of a branch of a bare repository. */
function commitTo(bare: string, folder: string, branch: string): string {
  mkdirSync(join(bare, 'work'), { recursive: true });
  const env = { GIT_DIR: bare, GIT_WORK_TREE: folder, GIT_INDEX_FILE: join(bare, 'work', `index-${branch}`) };
  git(['-C', folder, 'add', '--all', '--force', '.'], env);
  const tree = git(['write-tree'], env);
  const commit = git(['commit-tree', '-m', 'files', tree], env);
  git(['update-ref', `refs/heads/${branch}`, commit], env);
  return commit;
}
