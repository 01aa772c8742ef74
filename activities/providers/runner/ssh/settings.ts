import { readFile, stat } from 'node:fs/promises';
import { refused } from '../../error.ts';

export interface SshSettings {
  user: string;
  keyFile: string;
  port: number;
  knownHosts: string;
}

async function contentOf(variable: string, path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    throw refused('ssh', `the file of ${variable} cannot be read`);
  });
}

/** Reads the private key; refused when others than its owner may read it. */
export async function readKey({ keyFile }: SshSettings): Promise<string> {
  const key = await contentOf('SLIPWAY_SSH_KEY_FILE', keyFile);
  const { mode } = await stat(keyFile);
  if ((mode & 0o077) !== 0) {
    const found = (mode & 0o777).toString(8).padStart(4, '0');
    throw refused('ssh', `the file of SLIPWAY_SSH_KEY_FILE has mode ${found}, make it 0600: it is for its owner only`);
  }
  return key;
}

/** The present pinned host keys: an added line takes effect at once. */
export const readKnownHosts = ({ knownHosts }: SshSettings): Promise<string> =>
  contentOf('SLIPWAY_SSH_KNOWN_HOSTS', knownHosts);
