// Loads the master key: from the variable, the file, or, with the embedded database only, a file generated at the first
// start. Processes with an external database must share the key, so none is generated there.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import type { Config } from '../../kit/config/config.ts';

/** The master key, 32 bytes in base64; throws naming the variables if there is no key. */
export function loadMasterKey(config: Pick<Config, 'masterKey' | 'masterKeyFile' | 'databaseUrl' | 'dataDir'>): string {
  if (config.masterKey !== undefined) return config.masterKey;
  if (config.masterKeyFile !== undefined) return readKey(config.masterKeyFile);
  const generated = join(config.dataDir, 'master-key');
  if (existsSync(generated)) return readKey(generated);
  if (config.databaseUrl !== undefined)
    throw new Error(
      'SLIPWAY_MASTER_KEY or SLIPWAY_MASTER_KEY_FILE must be set together with DATABASE_URL, to the same key in every ' +
        'process; make one with: openssl rand -base64 32',
    );
  writeFileAtomic(generated, `${randomBytes(32).toString('base64')}\n`, 0o600);
  return readKey(generated);
}

function readKey(path: string): string {
  const text = readFileSync(path, 'utf8').trim();
  if (Buffer.from(text, 'base64').length !== 32) throw new Error(`${path}: must hold 32 bytes in base64`);
  return text;
}
