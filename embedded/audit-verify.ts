// `npm run audit:verify [-- file]`: verifies the audit chain of the database, embedded or not, or of an exported NDJSON file
// without a database. Not in db/, because only this room can locate the embedded database.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { verifyAll } from '../db/audit/verifications.ts';
import { verifyExport } from '../db/audit/verify-export.ts';
import { connect } from '../db/core/connect.ts';
import { configFromEnvironment } from '../kit/config/config.ts';
import { findStack } from '../kit/find-stack.ts';

async function ofFile(path: string): Promise<{ ok: boolean }> {
  return verifyExport(createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity }));
}

async function ofDatabase(): Promise<{ ok: boolean }> {
  const config = configFromEnvironment();
  const url = config.databaseUrl ?? findStack(config).databaseUrl;
  const db = connect(url, { max: 1, applicationName: 'slipway-audit-verify' });
  try {
    return await verifyAll(db);
  } finally {
    await db.destroy();
  }
}

/** Verifies a file, or the database without one, and prints the result; 0 if valid, else 1. */
export async function auditVerify(path: string | undefined, print: (text: string) => void): Promise<0 | 1> {
  const result = await (path === undefined ? ofDatabase() : ofFile(path));
  print(`${JSON.stringify(result, null, 2)}\n`);
  return result.ok ? 0 : 1;
}

if (import.meta.main) {
  auditVerify(process.argv[2], (text) => process.stdout.write(text)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 2;
    },
  );
}
