// Counts of what a request costs, exact and unaffected by whatever else runs on the machine. Commits are counted by
// PostgreSQL: a trigger on every table notes the transaction's own id in a table of this database, so a commit counts
// once however many rows it wrote, and what was rolled back, found no row or happened elsewhere does not count.
// (pg_stat_database is late and counts reads; transaction ids are those of the whole server.)
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import pg from 'pg';
import type { Database } from '../../db/database.ts';
import type { World } from './world.ts';

interface Counts {
  /** Committed transactions that wrote something, from any process of the world. */
  commits: number;
  /** Calls of the engine by the API. */
  calls: number;
  /** Statements sent to PostgreSQL, transactions' begin and commit included. */
  statements: number;
}

export interface Counter {
  /** What happens while `work` runs. */
  during(work: () => Promise<unknown>): Promise<Counts>;
  stop(): void;
}

/** Starts counting in a world. */
export async function countIn({ database, temporal }: World): Promise<Counter> {
  await noteTransactions(database.owner);
  const engine = countCalls(temporal.connection.workflowService);
  const statements = jest.spyOn(pg.Client.prototype, 'query');
  return {
    async during(work) {
      const before = await commits(database.owner);
      const [called, sent] = [engine.calls(), statements.mock.calls.length];
      await work();
      const counts = { calls: engine.calls() - called, statements: statements.mock.calls.length - sent };
      return { commits: (await commits(database.owner)) - before, ...counts };
    },
    stop() {
      engine.stop();
      statements.mockRestore();
    },
  };
}

/** The service is an object with a function a call. */
function countCalls(service: World['temporal']['connection']['workflowService']) {
  let count = 0;
  const methods = service as unknown as Record<string, (...args: unknown[]) => unknown>;
  const spies = Object.entries(methods)
    .filter(([, method]) => typeof method === 'function')
    .map(([name, method]) =>
      jest.spyOn(methods, name).mockImplementation((...args) => {
        count += 1;
        return method.apply(service, args);
      }),
    );
  return { calls: () => count, stop: () => spies.forEach((spy) => spy.mockRestore()) };
}

async function noteTransactions(db: Kysely<Database>): Promise<void> {
  await sql`create table noted_transactions (id xid8 primary key)`.execute(db);
  await sql`
    create function note_transaction() returns trigger language plpgsql security definer as $$
    begin
      insert into noted_transactions values (pg_current_xact_id()) on conflict do nothing;
      return null;
    end $$`.execute(db);
  await sql`
    do $$
    declare name text;
    begin
      for name in select c.relname from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
          and c.relname <> 'noted_transactions'
      loop
        execute format('create trigger noted after insert or update or delete on %I
          for each row execute function note_transaction()', name);
      end loop;
    end $$`.execute(db);
}

async function commits(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) from noted_transactions`.execute(db);
  return rows[0]?.count ?? 0;
}
