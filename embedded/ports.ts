// Ports are picked below the range from which systems take ports for outgoing connections: otherwise one of those could
// sit on a server's port at the very moment when the server is to come back on it after a crash.
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const lowest = 20_000;
const highest = 32_000;
const attempts = 100;

/** A TCP port of 127.0.0.1 on which nobody listens now. */
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

/** The port asked for, or a free one; throws naming `variable` when the one asked for is taken. */
export async function choosePort(asked: number | undefined, variable: string): Promise<number> {
  if (asked === undefined) return await freePort();
  if (!(await isFree(asked)))
    throw new Error(`port ${asked} is in use: set ${variable} to another one or leave it out`);
  return asked;
}

/** Resolves when something accepts connections on this port of 127.0.0.1, throws at once when nothing does. */
export async function accepts(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
