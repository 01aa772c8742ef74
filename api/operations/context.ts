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
import type { Language } from '../../kit/messages/message.ts';
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

/** The caller and the kind of credential. An anonymous caller of a public operation has user id 0. */
export interface Caller {
  user: { id: number; username: string; name: string };
  channel: 'console' | 'token';
  tokenId: number | null;
  tokenExpires: Date | null;
  sessionHash: Buffer | null;
  csrfToken: string | null;
  mustChangePassword: boolean;
  secondFactor: boolean;
  /** The user must set up a second factor before anything else. */
  secondFactorDue: boolean;
}

/** Origin of a request, as far as trusted proxies report it. */
export interface Client {
  remoteAddr: string | null;
  /** Base of absolute URLs, without a trailing slash. */
  publicUrl: string;
  /** The User-Agent header, at most 200 characters. */
  userAgent: string | null;
  /** The known-device cookie, not verified yet. */
  deviceCookie: string | null;
}

/** The request context of a handler; `Allowed` is the result of the operation's permission check. */
export interface Ctx<Allowed = unknown> extends AppDeps, Client {
  allowed: Allowed;
  actor: Caller;
  subject: Subject;
  /** The object in the path if rights are granted on it, as it was when the caller was loaded. */
  asked: AskedGrants | undefined;
  /** The actor for audit records and workflows. */
  by: Actor;
  requestId: string;
  language: Language;
  /** Identical for all repetitions of a request under one Idempotency-Key: used as an update id or a client token. */
  operationId: string;
  /** Whether the request has an Idempotency-Key, so it may repeat one whose response was lost. */
  repeatable: boolean;
  /** The canonical URL, for the links of a list. */
  address: { path: string; query: Record<string, string> };
}

/** The context of a change: everything written through `tx`, audit records included, is atomic. */
export interface ChangeCtx<Allowed = unknown> extends Ctx<Allowed> {
  tx: Transaction<Database>;
  /** Adds records that are written with the change. */
  audit(...entries: AuditEntry[]): void;
  /** Optional work after the commit, which only speeds things up: if it fails, the change stands. */
  afterCommit(work: () => Promise<void>): void;
}
