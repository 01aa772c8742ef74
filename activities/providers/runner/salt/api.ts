// Client of salt-api (rest_cherrypy): reuses a token until it is rejected, then logs in again.
import { readFileSync } from 'node:fs';
import { Semaphore } from '../../../../kit/limit.ts';
import { refused, unavailable } from '../../error.ts';
import { JsonClient } from './http.ts';

export interface SaltSettings {
  url: string;
  user: string;
  password: string;
  eauth: string;
  caFile?: string | undefined;
  /** A writable folder of the master's file_roots. */
  fileRoot?: string | undefined;
}

/**
 * One call of a Salt client: `local_async` publishes, `runner` queries the master, `wheel` reads or changes its own state.
 */
type Low = Readonly<Record<string, unknown>> & { client: 'local_async' | 'runner' | 'wheel'; fun: string };

const patienceMs = 60_000;
/** A query makes the master reload all its runners, so more in parallel only slow each other down. */
const mostQuestions = 2;

export class SaltApi {
  readonly #settings: SaltSettings;
  readonly #http: JsonClient;
  #token: Promise<string> | null = null;
  readonly #questions = new Semaphore(mostQuestions);

  constructor(settings: SaltSettings) {
    this.#settings = settings;
    const { url, caFile } = settings;
    this.#http = new JsonClient(url, caFile === undefined ? undefined : readFileSync(caFile, 'utf8'));
  }

  /** Makes a call and returns its result. */
  async call(low: Low): Promise<unknown> {
    const { status, body } = await this.#withToken((token) => this.#post(low, token));
    if (status === 401 || status === 403) {
      throw refused('salt', `salt-api does not let ${this.#settings.user} call ${low.fun} (${status})`);
    }
    if (status !== 200) throw unavailable('salt', `salt-api answers ${status} to ${low.fun}`);
    return firstOf(body);
  }

  /** Same for a query to the master, with limited concurrency. */
  ask(low: Low): Promise<unknown> {
    return this.#questions.take(() => this.call(low));
  }

  /** The master's event bus as server-sent events, line by line; `end` resolves at the end of the stream. */
  async hear(onLine: (line: string) => void, signal: AbortSignal): Promise<{ end: Promise<void> }> {
    const { status, end } = await this.#withToken((token) =>
      this.#http.stream('events', { 'x-auth-token': token, accept: 'text/event-stream' }, onLine, signal),
    );
    if (status !== 200) throw unavailable('salt', `salt-api answers ${status} to a question for its events`);
    return { end };
  }

  /** Replaces a rejected token once. */
  async #withToken<T extends { status: number }>(work: (token: string) => Promise<T>): Promise<T> {
    const login = this.#login();
    const answer = await work(await login);
    if (answer.status !== 401) return answer;
    this.#forget(login);
    return work(await this.#login());
  }

  #post(low: Low, token: string) {
    return this.#http.post('', [low], { 'x-auth-token': token }, patienceMs);
  }

  /** A concurrent call may already have logged in again. */
  #forget(login: Promise<string>): void {
    if (this.#token === login) this.#token = null;
  }

  #login(): Promise<string> {
    if (this.#token) return this.#token;
    const made = this.#newToken();
    this.#token = made;
    made.catch(() => this.#forget(made));
    return made;
  }

  async #newToken(): Promise<string> {
    const { user: username, password, eauth } = this.#settings;
    const { status, body } = await this.#http.post('login', { username, password, eauth }, {}, patienceMs);
    if (status === 401 || status === 403) {
      throw refused(
        'salt',
        `salt-api refuses the login of ${username} by ${eauth}: see SLIPWAY_SALT_USER, _PASSWORD, _EAUTH`,
      );
    }
    const first = firstOf(body);
    const token = isRecord(first) ? first['token'] : null;
    if (status !== 200 || typeof token !== 'string') throw unavailable('salt', `salt-api answers ${status} to a login`);
    return token;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstOf(body: unknown): unknown {
  const list = isRecord(body) ? body['return'] : null;
  return Array.isArray(list) ? (list[0] as unknown) : null;
}
