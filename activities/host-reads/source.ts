import type { Runner, RunnerHost } from '../providers/runner/driver.ts';

/** A file as it was when reading began. Throws FileChangedError when it has become shorter since. */
export interface LogSource {
  /** Bytes. */
  readonly size: number;
  /** Exactly the bytes [from, to). */
  read(from: number, to: number): Promise<Buffer>;
}

/** The file was cut or replaced during the read. */
export class FileChangedError extends Error {}

/** The caller's deadline has passed. */
export class ReaderGoneError extends Error {}

/** A file on a host; reading ends at `deadline` (ms since 1970). */
export function fileOnHost(runner: Runner, host: RunnerHost, file: { path: string; size: number }, deadline: number) {
  const { path, size } = file;
  return {
    size,
    async read(from: number, to: number): Promise<Buffer> {
      if (Date.now() > deadline) throw new ReaderGoneError();
      const { data } = await runner.readBlock(host, path, from, to - from);
      if (data.length < to - from) throw new FileChangedError();
      return data;
    },
  } satisfies LogSource;
}
