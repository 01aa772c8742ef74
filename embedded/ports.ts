// Picks ports below the system's ephemeral range: otherwise an outgoing connection could take a server's port just when the
// server restarts after a crash.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const lowest = 20_000;
const highest = 32_000;
const attempts = 100;

/** A free TCP port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
  throw new Error(`found no free port between ${lowest} and ${highest}`);
}

/** Whether a server could listen on this port of 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/** The requested port, or a free one; throws naming `variable` when the requested one is taken. */
export async function choosePort(asked: number | undefined, variable: string): Promise<number> {
  if (asked === undefined) return await freePort();
  if (!(await isFree(asked)))
    throw new Error(`port ${asked} is in use: set ${variable} to another one or leave it out`);
  return asked;
}

/** Resolves when a server accepts connections on this port of 127.0.0.1, throws at once otherwise. */
export async function accepts(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
