import type { WSContext } from 'hono/ws';
import { Gauge, type Registry } from 'prom-client';
import type { WebSocket } from 'ws';
import type { Reader } from '../../db/tasks/readers.ts';
import type { AppDeps } from '../operations/context.ts';
import { Follower, type Wire } from './output-follower.ts';
import { OutputReaders, unsentBytes } from './output-readers.ts';
import { Heartbeats } from './socket-heartbeat.ts';
import type { Connected } from './output-rights.ts';

/** Maximum bytes buffered in this process for all slow readers; this limits the number of connections. */
export const budgetBytes = 128 * 1024 * 1024;
const mostConnected = budgetBytes / unsentBytes;

/** Readers that follow output at this process. */
export class Connections {
  readonly #deps: Pick<AppDeps, 'db' | 'log' | 'config'>;
  readonly #heartbeats: Heartbeats;
  readonly #readers: OutputReaders;
  readonly #connected = new Map<WSContext, Connected & { follower: Follower }>();

  constructor(
    deps: Pick<AppDeps, 'db' | 'log' | 'config'>,
    { registry, pingMs }: { registry: Registry; pingMs: number | undefined },
  ) {
    this.#deps = deps;
    this.#heartbeats = new Heartbeats(pingMs);
    this.#readers = new OutputReaders(deps.db);
    measure(registry, this.#connected);
  }

  all(): Iterable<Connected> {
    return this.#connected.values();
  }

  /** Whether one more connection of this user would exceed a limit. */
  isFull(userId: number): boolean {
    const own = [...this.#connected.values()].filter(({ reader }) => reader.userId === userId);
    return this.#connected.size >= mostConnected || own.length >= this.#deps.config.liveConnections;
  }

  add(ws: WSContext, reader: Reader, { after, wire }: { after: number; wire: Wire | undefined }): void {
    const followed = { socket: ws.raw as WebSocket, wire, taskId: reader.taskId, seq: after };
    this.#connected.set(ws, {
      reader,
      follower: new Follower({ log: this.#deps.log, readers: this.#readers }, followed),
    });
    this.#heartbeats.add(ws);
  }

  remove(ws: WSContext): void {
    this.#connected.get(ws)?.follower.stop();
    this.#connected.delete(ws);
    this.#heartbeats.remove(ws);
  }

  /** Wakes the followers of this task (null: of all tasks), since there may be new output. */
  wake(taskId: number | null): void {
    this.#readers.wake(taskId);
  }

  closeAll(code: number, reason: string): void {
    this.#heartbeats.stop();
    for (const ws of this.#connected.keys()) ws.close(code, reason);
  }
}

function measure(registry: Registry, connected: ReadonlyMap<WSContext, unknown>): void {
  new Gauge({
    name: 'slipway_live_connections',
    help: 'connections that follow the output of a task',
    registers: [registry],
    collect() {
      this.set(connected.size);
    },
  });
  new Gauge({
    name: 'slipway_live_unsent_bytes',
    help: 'bytes of output that wait for slow readers',
    registers: [registry],
    collect() {
      this.set([...connected.keys()].reduce((sum, { raw }) => sum + (raw as WebSocket).bufferedAmount, 0));
    },
  });
}
