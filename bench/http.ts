// A minimal HTTP client with one keep-alive connection per server, so that the measurement is of the server.
import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

interface HttpAnswer {
  status: number;
  text: string;
}

function call(method: string, url: string, token?: string, body?: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(token !== undefined && { authorization: `Token ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const sent = request(url, { method, agent, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** GET; any response is accepted. */
export const get = (url: string, token?: string): Promise<HttpAnswer> => call('GET', url, token);

/** GET; throws unless the response is a success. */
export async function visit(url: string, token?: string): Promise<void> {
  checked(url, await get(url, token));
}

/** POSTs JSON; throws unless the response is a success. */
export async function post(url: string, token: string, body: object = {}): Promise<Record<string, unknown>> {
  return JSON.parse(checked(url, await call('POST', url, token, JSON.stringify(body)))) as Record<string, unknown>;
}

function checked(url: string, { status, text }: HttpAnswer): string {
  if (status < 200 || status > 299) throw new Error(`${url} answered ${status}: ${text.slice(0, 300)}`);
  return text;
}
