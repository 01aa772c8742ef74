// Zabbix's API as its documents say it for one version: what a version does not know it refuses, a call without a session
// in the place where that version looks for it is not authorised, and what was changed stays changed.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createMethods, RpcError } from './zabbix-methods.ts';
import type { Params, ZabbixState } from './zabbix-methods.ts';

export interface ZabbixDouble {
  url: string;
  user: string;
  password: string;
  state: ZabbixState;
  /** What becomes of calls of a method. */
  trouble: { method: string; kind: 'refuse' | 'away' } | null;
  /** How often a method was called. */
  asked(method: string): number;
  /** Where sessions came from, once each. */
  readonly placements: Set<'header' | 'body'>;
  /** Ends every session. */
  endSessions(): void;
  close(): Promise<void>;
}

const open = new Set(['apiinfo.version', 'user.login']);

interface Message {
  jsonrpc?: unknown;
  method: string;
  params: Params;
  id: unknown;
  auth?: unknown;
}

/** `version` as Zabbix says it, such as `7.2.0`. */
export async function zabbixDouble(version: string): Promise<ZabbixDouble> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const release = major * 100 + minor;
  const { state, methods } = createMethods(release);
  const door = createDoor(release);

  const calls: string[] = [];

  function answer(message: Message, header: string | undefined): unknown {
    calls.push(message.method);
    meet(double.trouble, message);
    door.authorise(message, header);
    if (message.method === 'apiinfo.version') return version;
    if (message.method === 'user.login') return door.login(message.params);
    const method = methods[message.method];
    if (!method) throw new RpcError(-32602, 'Invalid params.', `Incorrect API "${message.method}".`);
    return method(message.params);
  }

  async function handle(request: IncomingMessage): Promise<object> {
    const message = (await json(request)) as Message;
    const envelope = { jsonrpc: '2.0', id: message.id };
    try {
      if (request.method !== 'POST' || request.url !== '/api_jsonrpc.php' || message.jsonrpc !== '2.0')
        throw new RpcError(-32600, 'Invalid Request.', 'not a call');
      return { ...envelope, result: answer(message, request.headers.authorization) };
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      return { ...envelope, error: { code: error.code, message: error.message, data: error.data } };
    }
  }

  const server = createServer((request, response) => {
    handle(request).then(
      (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { user, password, placements } = door;
  const double: ZabbixDouble = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    user,
    password,
    state,
    placements,
    trouble: null,
    asked: (method) => calls.filter((one) => one === method).length,
    endSessions: () => door.sessions.clear(),
    close: () => closeServer(server),
  };
  return double;
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

function meet(trouble: ZabbixDouble['trouble'], { method }: Message): void {
  if (trouble?.method !== method) return;
  if (trouble.kind === 'away') throw new Error('the database is away');
  throw new RpcError(-32500, 'Application error.', 'No permissions to call it.');
}

/** Who may come in, and where a version looks for that. */
function createDoor(release: number) {
  const sessions = new Set<string>();
  const placements = new Set<'header' | 'body'>();
  const [user, password] = ['slipway', randomBytes(8).toString('hex')];

  function authorise({ method, auth }: Message, header: string | undefined): void {
    if (release >= 702 && auth !== undefined)
      throw new RpcError(-32600, 'Invalid request.', 'Invalid parameter "/": unexpected parameter "auth".');
    const bearer = release >= 604 ? /^Bearer (.+)$/.exec(header ?? '')?.[1] : undefined;
    if (open.has(method)) {
      if (auth === undefined && bearer === undefined) return;
      throw new RpcError(-32602, 'Invalid params.', `The "${method}" method must be called without authorization.`);
    }
    if (bearer !== undefined && auth !== undefined) throw new RpcError(-32600, 'Invalid request.', 'two sessions');
    const session = bearer ?? auth;
    if (typeof session !== 'string' || !sessions.has(session))
      throw new RpcError(-32602, 'Invalid params.', 'Session terminated, re-login, please.');
    placements.add(bearer === undefined ? 'body' : 'header');
  }

  function login(params: Params): string {
    const key = release >= 504 ? 'username' : 'user';
    const unexpected = Object.keys(params).find((name) => name !== key && name !== 'password');
    if (unexpected !== undefined)
      throw new RpcError(-32602, 'Invalid params.', `Invalid parameter "/": unexpected parameter "${unexpected}".`);
    if (params[key] !== user || params['password'] !== password)
      throw new RpcError(-32602, 'Invalid params.', 'Incorrect user name or password.');
    const session = randomBytes(16).toString('hex');
    sessions.add(session);
    return session;
  }

  return { sessions, placements, user, password, authorise, login };
}
