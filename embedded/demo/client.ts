// What the demo knows of Slipway is its HTTP API, as any other client does.

/** An answer that is an error, with the documented code. */
export class Refused extends Error {
  readonly code: number;
  readonly status: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Json = Record<string, unknown>;

export interface Page<Item> {
  count: number;
  results: Item[];
}

export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
}

/** Calls the API with a token. */
export function clientOf(url: string, token: string): Client {
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
  throw new Refused(response.status, Number(body['error_code']), message);
}

/** Logs in and makes a token, which lives as long as the demo's users do. */
export async function tokenFor(url: string, username: string, password: string): Promise<string> {
  const json = { 'content-type': 'application/json' };
  const login = await fetch(`${url}/auth/login/`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ username, password }),
  });
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const { csrf_token: csrf } = await answer<{ csrf_token: string }>(login);
  const made = await fetch(`${url}/auth-tokens/`, {
    method: 'POST',
    headers: { ...json, cookie, 'x-csrf-token': csrf },
    body: JSON.stringify({ name: `demo ${new Date().toISOString()}` }),
  });
  return (await answer<{ value: string }>(made)).value;
}
