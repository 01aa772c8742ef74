import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { TestUser } from '../api/app.ts';

/** The server's response to an upgrade: 101, or the status of its refusal (which has no body). */
export async function upgradeStatus(url: string, headers: Record<string, string> = {}): Promise<number> {
  const socket = new WebSocket(url, { headers });
  socket.on('error', () => undefined);
  const refused = once(socket, 'unexpected-response') as Promise<[unknown, { statusCode: number }]>;
  const status = await Promise.race([
    refused.then(([, response]) => response.statusCode),
    once(socket, 'open').then(() => 101),
  ]);
  socket.terminate();
  return status;
}

/** Headers of a user's token. */
export const as = ({ token }: TestUser): Record<string, string> => ({ authorization: `Token ${token}` });
