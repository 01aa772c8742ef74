// Records the processes of a data folder, one file each: `<data dir>/run/<role>-<pid>.json`. The next start finds leftovers
// of a killed one by it, and touches only processes whose id and start time both match.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from './atomic-file.ts';
import { isAlive, processIdentity } from './process-identity.ts';

/** Content of a run file: `started` in ISO 8601, `identity` from `processIdentity`. */
interface RunRecord {
  readonly role: string;
  readonly pid: number;
  readonly port: number | null;
  readonly started: string;
  readonly identity: string;
}

/** An existing run file: `alive` is false when its process is gone, even if its id was reused. */
interface RunFile extends RunRecord {
  readonly path: string;
  readonly alive: boolean;
}

/** Records a process; returns the function that removes the record. By default this process, whose exit removes it too. */
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

/** Every valid run file of a data folder. */
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
