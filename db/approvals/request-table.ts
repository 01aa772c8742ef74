// A kind of request as the request half sees it: which table holds its rows, and who may approve one. Everything that is
// alike for all kinds (votes, events, transitions, eligible voters) takes this descriptor.
import { sql } from 'kysely';
import type { Kysely, RawBuilder } from 'kysely';
import type { RequestKind } from '../../workflows/approvals/contract.ts';
import type { Database } from '../database.ts';
import type { RequestColumns } from './tables.ts';

type TableName = { [Name in keyof Database]: Database[Name] extends RequestColumns ? Name : never }[keyof Database];

/** Expressions are SQL for the row with the given alias. */
export interface RequestTable {
  readonly kind: RequestKind;
  readonly name: TableName;
  /** Ids of the holders of the approving permission on the request, enabled or not. */
  reviewers(at: string): RawBuilder<unknown>;
  /** Id of the user who started it without approval; null when there is none. */
  brokeGlassBy(at: string): RawBuilder<unknown>;
}

/** For kinds that cannot be started without approval. */
export const unbreakable = (): RawBuilder<unknown> => sql`null::bigint`;

/** The database with a kind's table under the name `requests`, of which only the common columns are known. */
export const commonly = (db: Kysely<Database>) => db as unknown as Kysely<{ requests: RequestColumns }>;

export const commonName = ({ name }: RequestTable) => name as 'requests';
