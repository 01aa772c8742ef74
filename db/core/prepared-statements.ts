// Statements that nearly every request runs are compiled once a process and sent under a name, so that PostgreSQL parses and
// plans them once a connection; measured, that takes them from 1.05 ms to 0.3. Only such whose plan does not depend on their
// values: others do better with a plan for each.
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { CompiledQuery, Expression, Kysely, RawBuilder } from 'kysely';
import type { Database } from '../database.ts';

const names = new Map<string, string>();

/** The name under which a statement is sent; undefined of all but a few. */
export const statementName = (text: string): string | undefined => names.get(text);

/**
 * From now on this statement is sent under a name; for texts of which there are few: each connection keeps them. It names its
 * columns: what is kept of one with `*` fails once a migration, such as that of a newer version beside this one, adds a column.
 */
export function nameStatement(text: string): void {
  if (names.has(text)) return;
  if (/(?:\.|select |returning |, )\*/.test(text))
    throw new Error(`a statement that is kept has to name its columns: ${text}`);
  names.set(text, `slipway_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
}

/**
 * A value that PostgreSQL makes no plan for. Of a statement that is kept it would go on making one for each of its values
 * where those promise less work than the usual one by more than planning is reckoned at.
 */
export const opaqueToPlanner = <Value>(
  value: Value | Expression<Value>,
  type: 'bigint' | 'bigint[]',
): RawBuilder<Value> => sql<Value>`(select ${value}::${sql.raw(type)})::${sql.raw(type)}`;

class Placeholder {
  readonly name: PropertyKey;
  constructor(name: PropertyKey) {
    this.name = name;
  }
}

/** Puts a value's place into a query that is built. */
export type Parameter<Values extends object> = <Name extends keyof Values>(name: Name) => RawBuilder<Values[Name]>;

/** A query that can be compiled. */
export interface Built<Row> {
  compile(): CompiledQuery<Row>;
}

/**
 * A query that is built once and run with other values each time: `build` puts `place('name')` where the value `name`
 * goes. Every connection that it is run on has the same plugins.
 */
export function prepared<Values extends object, Row>(
  build: (db: Kysely<Database>, place: Parameter<Values>) => Built<Row>,
): (db: Kysely<Database>, values: Values) => Promise<Row[]> {
  let compiled: CompiledQuery<Row> | undefined;
  return async (db, values) => {
    if (!compiled) {
      compiled = build(db, (name) => sql`${new Placeholder(name)}`).compile();
      nameStatement(compiled.sql);
    }
    const parameters = compiled.parameters.map((one) =>
      one instanceof Placeholder ? values[one.name as keyof Values] : one,
    );
    const { rows } = await db.executeQuery<Row>({ ...compiled, parameters });
    return rows;
  };
}
