import type { Generated, JSONColumnType } from 'kysely';
import type { ProblemWire } from '../../workflows/problems/problem.ts';

/** Which part of a file: `offset` is what is skipped, `count` how much is wanted, both in bytes or in lines. */
export interface LogPart {
  mode: 'bytes' | 'lines';
  from: 'start' | 'end';
  offset: number;
  count: number;
}

/** A log file, and the folders one of which it must lie in once links are followed. */
export interface LogRequest {
  path: string;
  roots: string[];
  /** The application's deploy path, a root by itself where it lies below one of the operator's. */
  deploy?: { path: string; roots: readonly string[] };
  part: LogPart;
}

/** The result of a read; the content is stored separately. Positions and sizes in bytes. */
export interface LogFound {
  /** Just after the content. */
  position: number;
  /** Of the file when reading began. */
  size: number;
  /** In the content; null unless lines were asked for. */
  lines: number | null;
}

export type HostReadAnswer = LogFound | { refused: ProblemWire };

interface HostReadsTable {
  id: Generated<number>;
  hostId: number;
  request: JSONColumnType<LogRequest, string, never>;
  isClaimed: Generated<boolean>;
  answer: JSONColumnType<HostReadAnswer> | null;
  /** Bytes of the file. */
  content: Buffer | null;
  expiresTime: Date;
}

/** Reads on hosts that somebody waits for. */
export interface HostReadTables {
  hostReads: HostReadsTable;
}
