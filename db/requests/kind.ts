// What a kind of resource request consists of besides its operations: its table, its names, what it claims, its plan. The
// rest is alike for all kinds.
import type { Kysely, Selectable, Transaction } from 'kysely';
import type { RequestTransition } from '../../workflows/approvals/contract.ts';
import { endedStatuses } from '../../workflows/approvals/contract.ts';
import type { ResourceAside, ResourceKind, ResourcePlan } from '../../workflows/requests/contract.ts';
import { systemApprovers } from '../approvals/people.ts';
import { unbreakable } from '../approvals/request-table.ts';
import type { RequestTable } from '../approvals/request-table.ts';
import type { TransitionRules } from '../approvals/transitions.ts';
import { auditText } from '../../kit/messages/audit-text.ts';
import type { Database } from '../database.ts';
import { json } from '../core/jsonb.ts';
import { releaseThings } from './claims.ts';
import type { ResourceColumns, ResourceTables } from './tables.ts';

type TableName = {
  [Name in keyof ResourceTables]: ResourceTables[Name] extends ResourceColumns ? Name : never;
}[keyof ResourceTables];

/** A request's row with the name of its creator. */
export type RowOf<Name extends TableName> = Selectable<ResourceTables[Name]> & { creator: string };
export type ResourceRow = Selectable<ResourceColumns> & { creator: string; applications?: number[] };

interface Definition<Row extends ResourceRow> {
  kind: ResourceKind;
  name: TableName;
  /** What people call it: `host request`. */
  title: string;
  /** What it is about, in a few words. */
  about(row: Row): string;
  /** The things that no other open request of the kind may ask for. */
  claims(row: Row): string[];
  /** Throws Problem when what is asked for cannot be had as things are now. */
  demandPossible?(tx: Kysely<Database>, row: Row): Promise<void>;
  /** What will be done, from the present state. */
  compose(db: Kysely<Database>, row: Row): Promise<ResourcePlan>;
}

export interface ResourceRules<Row extends ResourceRow = ResourceRow> extends TransitionRules<Row>, Definition<Row> {
  table: RequestTable & { kind: ResourceKind; name: TableName };
}

const opTypes: Record<string, string> = {
  created: 'create',
  approved: 'approve',
  rejected: 'reject',
  closed: 'close',
  finished: 'finish',
  retried: 'retry',
};

const asideOf = ({ trouble, ...also }: ResourceAside = {}) => ({
  ...also,
  ...(trouble !== undefined && { trouble: trouble === null ? null : json({ said: trouble }) }),
});

/** The columns of every kind that a transition sets. */
const transitionColumns = ({ status, also }: RequestTransition): object => ({
  updatedTime: new Date(),
  ...(status === 'finished' && { finishedTime: new Date() }),
  ...(status === 'closed' && { closedTime: new Date() }),
  ...(status === 'approved' && { trouble: null }),
  ...asideOf(also),
});

/** Completes the definition of a kind. */
export function resourceRules<Row extends ResourceRow>(definition: Definition<Row>): ResourceRules<Row> {
  const { kind, name, about } = definition;
  const table = { kind, name, reviewers: () => systemApprovers(kind), brokeGlassBy: unbreakable };
  return {
    ...definition,
    table,
    find: (db, id) => resourceRows<Row>(db, name).where('request.id', '=', id).executeTakeFirst(),
    columns: (_row, input) => transitionColumns(input),
    async followUp(tx: Transaction<Database>, { id }, { status }) {
      if (status && endedStatuses.includes(status)) await releaseThings(tx, { kind, id });
    },
    audited: (row, event) => ({
      view: 'operations',
      area: 'requests',
      opType: opTypes[event] ?? 'update',
      targetName: about(row),
      label: auditText(kind, { id: row.id }),
    }),
  };
}

/**
 * The requests of a kind with their creators' names, under the alias `request`. Its type knows the common columns; the rows
 * have the kind's own too.
 */
export function resourceRows<Row extends ResourceRow>(db: Kysely<Database>, name: TableName) {
  return (db as unknown as Kysely<{ requests: ResourceColumns; users: { id: number; username: string } }>)
    .selectFrom(`${name} as request` as 'requests as request')
    .innerJoin('users as creator', 'creator.id', 'request.creatorId')
    .selectAll('request')
    .select('creator.username as creator')
    .$castTo<Row>();
}
