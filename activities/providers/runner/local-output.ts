// What is kept of a job's output on a local host, as its readers (agent/reader.sh) lay it down: a stream's beginning in a file
// of its name, what follows in files named by where in the stream they begin, of which the oldest goes.
import { readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { StreamBlock } from './driver.ts';

interface Part {
  path: string;
  /** Where in the stream it begins, and ends for now. */
  begin: number;
  end: number;
}

/** Names of a stream's files, oldest first, with where they begin. */
function namesOf(folder: string, stream: string): { name: string; begin: number }[] {
  const ends = readdirSync(folder)
    .filter((name) => name.startsWith(`${stream}-`))
    .sort();
  const found = ends.map((name) => ({ name, begin: Number(name.slice(stream.length + 1)) }));
  return [{ name: stream, begin: 0 }, ...found];
}

/** A stream's files, oldest first; the last is the one to which it is written. */
export const streamFiles = (folder: string, stream: string): string[] =>
  namesOf(folder, stream).map(({ name }) => join(folder, name));

/** How much a stream has said. */
export function streamSize(folder: string, stream: string): number {
  const { name, begin } = namesOf(folder, stream).at(-1) ?? { name: stream, begin: 0 };
  return begin + statSync(join(folder, name)).size;
}

/** A stream's files; those that go meanwhile are none any more. */
function partsOf(folder: string, stream: string): Part[] {
  return namesOf(folder, stream).flatMap(({ name, begin }) => {
    const path = join(folder, name);
    const stats = name === stream ? statSync(path) : statSync(path, { throwIfNoEntry: false });
    return stats ? [{ path, begin, end: begin + stats.size }] : [];
  });
}

/** The parts that go on where the one before them ends, up to so many bytes from `offset` on, and whether what follows is gone. */
function runOf(parts: readonly Part[], offset: number, limit: number): { run: Part[]; isCut: boolean } {
  const run: Part[] = [];
  for (const part of parts) {
    const last = run.at(-1);
    if (last && last.end - offset >= limit) break;
    if (last && last.end !== part.begin) return { run, isCut: true };
    run.push(part);
  }
  return { run, isCut: false };
}

/** Bytes of a part; null: it is gone. */
async function read({ path, begin }: Part, from: number, to: number): Promise<Buffer | null> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  });
  if (!file) return null;
  try {
    const data = Buffer.alloc(to - from);
    const { bytesRead } = await file.read(data, 0, data.length, from - begin);
    return data.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Bytes of a stream that lie next to each other, from `offset` on or from where the host has it again. */
export async function readStream(folder: string, stream: string, offset: number, limit: number): Promise<StreamBlock> {
  const parts = partsOf(folder, stream);
  const size = parts.at(-1)?.end ?? 0;
  const kept = parts.filter(({ end }) => end > offset);
  const from = Math.max(offset, kept[0]?.begin ?? offset);
  const { run, isCut } = runOf(kept, from, limit);
  const to = Math.min(from + limit, run.at(-1)?.end ?? from);
  const blocks: Buffer[] = [];
  for (const part of run) {
    const block = await read(part, Math.max(from, part.begin), Math.min(to, part.end));
    // The oldest went meanwhile, and the next one may as well: what is younger lasts longer.
    if (block === null) return readStream(folder, stream, from + Math.ceil((size - from) / 2), limit);
    blocks.push(block);
  }
  return { data: Buffer.concat(blocks), size, offset: from, isCut };
}
