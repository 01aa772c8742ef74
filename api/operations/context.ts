import type { Kysely, Transaction } from 'kysely';
import type { AskedGrants } from '../../db/access/caller-grants.ts';
import type { Subject } from '../../db/access/rights.ts';
import type { AuditEntry } from '../../db/audit/record.ts';
import type { Database } from '../../db/database.ts';
import type { Listener } from '../../db/coordination/listen.ts';
import type { Secrets } from '../../db/secrets/secrets.ts';
import type { Config } from '../../kit/config/config.ts';
import type { Jinja } from '../../kit/jinja/index.ts';
import type { Logger } from '../../kit/log.ts';
import type { Language } from '../../workflows/problems/problem.ts';
import type { Actor } from '../../workflows/tasks/contract.ts';
import type { Engine } from '../engine/engine.ts';

/** The dependencies that a process passes to its API. */
export interface AppDeps {
  db: Kysely<Database>;
  engine: Engine;
  jinja: Jinja;
  secrets: Secrets;
  config: Config;
  log: Logger;
  listen: Listener;
  now(): Date;
  /** Waits so many milliseconds. */
  pause(ms: number): Promise<void>;
}

/** Who is calling, and by what credential. An anonymous caller of a public operation has user id 0. */
export interface Caller {
  user: { id: number; username: string; name: string };
  channel: 'console' | 'token';
  tokenId: number | null;
  tokenExpires: Date | null;
  sessionHash: Buffer | null;
  csrfToken: string | null;
  mustChangePassword: boolean;
  secondFactor: boolean;
  /** He has to set up a second factor before he may do anything else. */
  secondFactorDue: boolean;
}

/** Where a request came from, as far as trusted proxies say. */
export interface Client {
  remoteAddr: string | null;
  /** Base of absolute addresses, without a slash at the end. */
  publicUrl: string;
  /** What the client calls itself, at most 200 characters. */
  userAgent: string | null;
  /** What the client shows of having been logged in on, not judged yet. */
  deviceCookie: string | null;
}

/** What a handler knows of its request. */
export interface Ctx extends AppDeps, Client {
  actor: Caller;
  subject: Subject;
  /** The object in the path, if it is one that rights are granted on, as it was when the caller was found. */
  asked: AskedGrants | undefined;
  /** The actor as audit records and workflows carry him. */
  by: Actor;
  requestId: string;
  language: Language;
  /** The same for every repetition of a request under one Idempotency-Key: an update id, a client token. */
  operationId: string;
  /** Whether the request has an Idempotency-Key, so that it may be the repetition of one whose answer was lost. */
  repeatable: boolean;
  /** The canonical address, for the links of a list. */
  address: { path: string; query: Record<string, string> };
}

/** What a change works with: everything done by `tx`, its audit records included, happens or does not. */
export interface ChangeCtx extends Ctx {
  tx: Transaction<Database>;
  /** Adds records that are written with the change. */
  audit(...entries: AuditEntry[]): void;
  /** Work for after the commit that hastens things only: when it fails, the change stands. */
  afterCommit(work: () => Promise<void>): void;
}
