// Where packages come from: one interface for paths on hosts, FTP, SFTP and GIT. A driver knows how to list and read files
// somewhere; what a package is, its limits, its checksum and its canonical form are the same for all of them.
import type { RepositoryAddress } from '../../../kit/repository-address.ts';
import type { DirectoryEntry, FileStat } from '../runner/driver.ts';
import type { NameEncoding } from './names.ts';

/** The files of one place; called one after the other, a content read to its end (or left) before the next call. */
export interface Files {
  /** What is at a path, a link there followed. */
  stat(path: string): Promise<FileStat>;
  /** Entries of a folder, sorted by name (by code unit), links not followed. */
  list(path: string): Promise<DirectoryEntry[]>;
  /** The bytes of a file of a known size; throws `unavailable` when it turns out to have another one. */
  content(path: string, size: number): AsyncIterable<Buffer>;
}

export type Credential =
  | { type: 'PASSWORD'; username: string; password: string }
  | { type: 'SSH_PRIVATE_KEY'; username: string; privateKey: string };

/** A repository with what opens it; only ever in memory. */
export interface RepositoryPlace {
  /** As it was typed, for messages. */
  url: string;
  address: RepositoryAddress;
  /** GIT only. */
  branch: string | null;
  /** Of the names of files, FTP only; UTF-8 unless given. */
  encoding?: NameEncoding | undefined;
  credential: Credential | null;
}

/** What a reading may take. */
export interface Reading {
  signal: AbortSignal;
  /** Files that one folder may hold, and bytes that a repository may send before there is anything to count. */
  entries: number;
  bytes: number;
}

/**
 * A kind of repository. Throws ProviderError only: `refused` for what can't be (a wrong credential, an unknown host key, an
 * address that is not allowed), `unavailable` for a server that doesn't answer. No message holds a secret or a server's text.
 */
export interface Repository {
  /** Connects, lends the files to `work`, and lets go of everything however it ends. Paths begin with `/`, the root. */
  read<T>(place: RepositoryPlace, reading: Reading, work: (files: Files) => Promise<T>): Promise<T>;
}

/** By name, by code unit: the order in which folders are read everywhere. */
export const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
