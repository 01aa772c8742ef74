// Where a secret could have got to: each table row by row, each workflow's history, what the processes have logged, and
// every file below Slipway's folder, which those of PostgreSQL and of the engine are among.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import pg from 'pg';
import type { ProcessEstate } from '../deploy/processes.ts';

/** Names of places that hold one of these texts. */
export async function tracesOf(site: ProcessEstate, secrets: readonly string[]): Promise<string[]> {
  const isIn = (content: string | Buffer): boolean => secrets.some((secret) => content.includes(secret));
  const found = isIn(site.logs()) ? ['log'] : [];
  for await (const [name, text] of tablesOf(site)) if (isIn(text)) found.push(`table ${name}`);
  for await (const [name, text] of historiesOf(site)) if (isIn(text)) found.push(`history of ${name}`);
  for (const [name, content] of filesOf(site)) if (isIn(content)) found.push(`file ${name}`);
  return found;
}

/** Every table of the database as text. */
async function* tablesOf({ stack }: ProcessEstate): AsyncGenerator<[name: string, text: string]> {
  const client = new pg.Client({ connectionString: stack.ownerDatabaseUrl });
  await client.connect();
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    );
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select one::text as row from ${name} as one`);
      yield [name, rows.map(({ row }) => row).join('\n')];
    }
  } finally {
    await client.end();
  }
}

const { History } = temporal.api.history.v1;
const plain = { longs: String, enums: String, bytes: String };

/** Every workflow's history as JSON, its payloads readable. */
async function* historiesOf({ stack }: ProcessEstate): AsyncGenerator<[workflowId: string, json: string]> {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  try {
    const { workflow } = new Client({ connection });
    for await (const { workflowId, runId } of workflow.list()) {
      const history = await workflow.getHandle(workflowId, runId).fetchHistory();
      const json = JSON.stringify(History.toObject(History.fromObject(history), plain));
      yield [
        workflowId,
        json.replaceAll(/"data":"([^"]*)"/g, (_, data: string) => Buffer.from(data, 'base64').toString()),
      ];
    }
  } finally {
    await connection.close();
  }
}

function* filesOf({ config }: ProcessEstate): Generator<[name: string, content: Buffer]> {
  for (const entry of readdirSync(config.dataDir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    try {
      yield [relative(config.dataDir, file), readFileSync(file)];
    } catch {
      // The database has dropped it meanwhile.
    }
  }
}
