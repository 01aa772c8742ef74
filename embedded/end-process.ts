import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../kit/process-identity.ts';

const politeMs = 15_000;
const killedMs = 5_000;
const pollMs = 20;

/** Ends exactly the process with `identity`: by `signal`, after 15 s by SIGKILL; returns when it is gone. */
export async function endProcess(pid: number, identity: string, signal: NodeJS.Signals): Promise<void> {
  for (const [how, milliseconds] of [
    [signal, politeMs],
    ['SIGKILL', killedMs],
  ] as const) {
    if (!isAlive(pid, identity)) return;
    sendSignal(pid, how);
    const deadline = Date.now() + milliseconds;
    while (isAlive(pid, identity) && Date.now() < deadline) await delay(pollMs);
  }
  if (isAlive(pid, identity)) throw new Error(`process ${pid} can't be ended`);
}

/** No effect if the process is gone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
    throw new Error(`process ${pid} can't be ended by this user`, { cause: error });
  }
}
