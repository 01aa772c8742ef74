// Cold start to ready, on data folders that were used before: Slipway's one process (database, engine, worker, API) until
// /readyz passes, against the bare servers and a bare worker with a ready bundle until it polls.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../embedded/ports.ts';
import { compareWithNoise, timed } from './harness.ts';
import { until } from './until.ts';
import type { Benchmark } from './harness.ts';
import { get } from './http.ts';
import type { BenchStack } from './stack.ts';

/** Starts a file, waits until its port responds with 200 and stops it; returns the time to ready, in ms. */
async function startOf(stack: BenchStack, file: string, path: string, folder: string): Promise<number> {
  const port = await freePort();
  const uiPort = await freePort();
  const dataDir = join(stack.dataDir, folder);
  mkdirSync(dataDir, { recursive: true });
  const started = performance.now();
  const child = stack.run(file, {
    SLIPWAY_DATA_DIR: dataDir,
    SLIPWAY_PORT: String(port),
    SLIPWAY_TEMPORAL_UI_PORT: String(uiPort),
    SLIPWAY_TEMPORAL_CLI: stack.temporalCli,
  });
  await until(async () => (await get(`http://127.0.0.1:${port}${path}`)).status === 200);
  const ready = performance.now() - started;
  await child.stop();
  return ready;
}

export const coldStart: Benchmark = async ({ stack, quick, say }) => {
  say('cold start');
  const ours = () => startOf(stack, 'embedded/start.ts', '/readyz', 'cold');
  const base = () => startOf(stack, 'bench/trivial/start.ts', '/', 'cold-bare');
  const first = (await timed(ours)) / 1000;
  say(`the very first start took ${first.toFixed(1)} s`);
  const found = await compareWithNoise(base, ours, { rounds: quick ? 1 : 2, calls: quick ? 1 : 2, warmUp: 1 });
  return [{ name: 'cold start against bare servers + worker', unit: 'ms', aim: 1.5, ...found }];
};
