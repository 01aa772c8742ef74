// The interface of package sources: paths on hosts, FTP, SFTP and GIT. A driver lists and reads files; package formats,
// limits, checksums and the canonical form are common to all.
import type { RepositoryAddress } from '../../../kit/repository-address.ts';
import type { DirectoryEntry, FileStat } from '../runner/driver.ts';
import type { NameEncoding } from './names.ts';

/** The files of one source; calls are sequential, and a content is read or abandoned before the next call. */
export interface Files {
  /** Stats a path, following a link. */
  stat(path: string): Promise<FileStat>;
  /** Entries of a folder, sorted by name (by code unit), without following links. */
  list(path: string): Promise<DirectoryEntry[]>;
  /** The bytes of a file of known size; throws `unavailable` when the size differs. */
  content(path: string, size: number): AsyncIterable<Buffer>;
}

export type Credential =
  | { type: 'PASSWORD'; username: string; password: string }
  | { type: 'SSH_PRIVATE_KEY'; username: string; privateKey: string };

/** A repository with its credentials; kept in memory only. */
export interface RepositoryPlace {
  /** As entered, for messages. */
  url: string;
  address: RepositoryAddress;
  /** GIT only. */
  branch: string | null;
  /** Encoding of file names, FTP only; default UTF-8. */
  encoding?: NameEncoding | undefined;
  credential: Credential | null;
}

/** Limits of a read. */
export interface Reading {
  signal: AbortSignal;
  /** Files per folder, and bytes that a repository may send before any entry can be counted. */
  entries: number;
  bytes: number;
}

/**
 * A kind of repository. Throws ProviderError only: `refused` for permanent failures (a wrong credential, an unknown host
 * key, a forbidden address), `unavailable` for an unreachable server. Messages contain neither secrets nor a server's text.
 */
export interface Repository {
  /** Connects, passes the files to `work`, and always releases all resources. Paths begin with `/`, the root. */
  read<T>(place: RepositoryPlace, reading: Reading, work: (files: Files) => Promise<T>): Promise<T>;
}

/** Compares names by code unit, the order of folders everywhere. */
export const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
