// Who runs on a data folder is written there, one file per process: `<data dir>/run/<role>-<pid>.json`. The next start
// finds by it what a killed one left behind, and only ever touches processes whose id and start time are both recorded.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from './atomic-file.ts';
import { isAlive, processIdentity } from './process-identity.ts';

/** What a run file says: `started` in ISO 8601, `identity` as `processIdentity` gives it. */
export interface RunRecord {
  readonly role: string;
  readonly pid: number;
  readonly port: number | null;
  readonly started: string;
  readonly identity: string;
}

/** A run file that was found: `alive` is false when its process has gone, even if its id was given to another. */
export interface RunFile extends RunRecord {
  readonly path: string;
  readonly alive: boolean;
}

/** Records a process; returns what removes the record. Without `pid` it is this process, and exiting removes it too. */
export function writeRunFile(dataDir: string, process_: { role: string; port?: number; pid?: number }): () => void {
  const { role, port = null, pid = process.pid } = process_;
  const path = join(dataDir, 'run', `${role}-${pid}.json`);
  const record: RunRecord = {
    role,
    pid,
    port,
    started: new Date().toISOString(),
    identity: processIdentity(pid) ?? '',
  };
  writeFileAtomic(path, `${JSON.stringify(record)}\n`);
  const remove = () => {
    rmSync(path, { force: true });
  };
  if (pid !== process.pid) return remove;
  process.once('exit', remove);
  return () => {
    process.off('exit', remove);
    remove();
  };
}

/** Every run file of a data folder; files that can't be understood are left out. */
export function listRunFiles(dataDir: string): RunFile[] {
  const folder = join(dataDir, 'run');
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const path = join(folder, name);
    const record = readRecord(path);
    return record === undefined ? [] : [{ ...record, path, alive: isAlive(record.pid, record.identity) }];
  });
}

function readRecord(path: string): RunRecord | undefined {
  try {
    const { role, pid, port, started, identity } = JSON.parse(readFileSync(path, 'utf8')) as Partial<RunRecord>;
    if (typeof role !== 'string' || typeof pid !== 'number' || typeof identity !== 'string') return undefined;
    return { role, pid, port: port ?? null, started: started ?? '', identity };
  } catch {
    return undefined;
  }
}
