// The demo's client of Slipway's HTTP API, used like any other.

/** An error response, with the documented code. */
export class RefusedError extends Error {
  readonly code: number;
  readonly status: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Json = Record<string, unknown>;

export interface DemoPage<Item> {
  count: number;
  results: Item[];
}

export interface DemoClient {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
}

/** Calls the API with a token. */
export function clientOf(url: string, token: string): DemoClient {
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const headers = { authorization: `Token ${token}`, 'content-type': 'application/json' };
    return answer<T>(
      await fetch(url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }),
    );
  };
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    patch: (path, body) => call('PATCH', path, body),
  };
}

async function answer<T>(response: Response): Promise<T> {
  const body = (await response.json()) as Json;
  if (response.ok) return body as T;
  const details = JSON.stringify(body['details'] ?? []);
  const message = `${String(body['message'])}${details === '[]' ? '' : ` ${details}`}`;
  throw new RefusedError(response.status, Number(body['error_code']), message);
}

interface Session {
  userId: number;
  mustChangePassword: boolean;
  post<T>(path: string, body: unknown): Promise<T>;
}

/** Logs in. */
export async function logIn(url: string, username: string, password: string): Promise<Session> {
  const json = { 'content-type': 'application/json' };
  const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url + path, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify(body) });
  const login = await send('/auth/login/', { username, password });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const { csrf_token: csrf, ...said } = await answer<LoggedIn>(login);
  return {
    userId: said.user.id,
    mustChangePassword: said.must_change_password,
    post: async (path, body) => answer(await send(path, body, { cookie, 'x-csrf-token': csrf })),
  };
}

interface LoggedIn {
  user: { id: number };
  csrf_token: string;
  must_change_password: boolean;
}

/** A new token of the logged-in user, with the lifetime of the demo's users. */
export const newToken = async (session: Session, password: string): Promise<string> =>
  (await session.post<{ value: string }>('/auth-tokens/', { name: `demo ${new Date().toISOString()}`, password }))
    .value;
