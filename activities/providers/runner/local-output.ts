// Reads a job's output on a local host, as its readers (agent/reader.sh) write it: the beginning in a file named after the
// stream, the rest in files named by their offset, of which the oldest are deleted.
import { readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { StreamBlock } from './driver.ts';

interface Part {
  path: string;
  /** Its present range in the stream. */
  begin: number;
  end: number;
}

/** Names of a stream's files with their offsets, oldest first. */
function namesOf(folder: string, stream: string): { name: string; begin: number }[] {
  const ends = readdirSync(folder)
    .filter((name) => name.startsWith(`${stream}-`))
    .sort();
  const found = ends.map((name) => ({ name, begin: Number(name.slice(stream.length + 1)) }));
  return [{ name: stream, begin: 0 }, ...found];
}

/** A stream's files, oldest first; the last is being written. */
export const streamFiles = (folder: string, stream: string): string[] =>
  namesOf(folder, stream).map(({ name }) => join(folder, name));

/** Total size of a stream's output. */
export function streamSize(folder: string, stream: string): number {
  const { name, begin } = namesOf(folder, stream).at(-1) ?? { name: stream, begin: 0 };
  return begin + statSync(join(folder, name)).size;
}

/** A stream's files, except those deleted meanwhile. */
function partsOf(folder: string, stream: string): Part[] {
  return namesOf(folder, stream).flatMap(({ name, begin }) => {
    const path = join(folder, name);
    const stats = name === stream ? statSync(path) : statSync(path, { throwIfNoEntry: false });
    return stats ? [{ path, begin, end: begin + stats.size }] : [];
  });
}

/** The contiguous parts of up to `limit` bytes from `offset` on, and whether the following part was dropped. */
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

/** Bytes of a part; null: it was deleted. */
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

/** Contiguous bytes of a stream, from `offset` or the next kept position on. */
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
    // The oldest was deleted meanwhile, and the next may be too; retry with a younger one.
    if (block === null) return readStream(folder, stream, from + Math.ceil((size - from) / 2), limit);
    blocks.push(block);
  }
  return { data: Buffer.concat(blocks), size, offset: from, isCut };
}
