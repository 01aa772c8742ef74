import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { clientOf, tokenFor } from './client.ts';
import type { Client, Page } from './client.ts';

export interface Person extends Client {
  id: number;
  username: string;
}

export interface People {
  admin: Client;
  /** Release manager: creates, starts and carries out deploys. */
  mei: Person;
  /** Reviewer. */
  li: Person;
}

interface Known {
  tokens: Record<string, string>;
}

/** The demo's users, made at the first run; their tokens are kept beside the admin's password, as private as that. */
export async function people(url: string, dataDir: string, adminPassword: string): Promise<People> {
  const file = join(dataDir, 'demo-tokens');
  if (!existsSync(file)) {
    const admin = await tokenFor(url, 'admin', adminPassword);
    const tokens: Known['tokens'] = { admin };
    for (const username of ['mei', 'li']) tokens[username] = await invite(url, clientOf(url, admin), username);
    writeFileAtomic(file, JSON.stringify({ tokens }), 0o600);
  }
  const { tokens } = JSON.parse(readFileSync(file, 'utf8')) as Known;
  const admin = clientOf(url, tokens['admin'] ?? '');
  const person = async (username: string): Promise<Person> => {
    const { results } = await admin.get<Page<{ id: number; username: string }>>(`/users/?username=${username}`);
    const id = results.find((user) => user.username === username)?.id ?? 0;
    return { id, username, ...clientOf(url, tokens[username] ?? '') };
  };
  return { admin, mei: await person('mei'), li: await person('li') };
}

async function invite(url: string, admin: Client, username: string): Promise<string> {
  const password = randomBytes(12).toString('base64url');
  const { results } = await admin.get<Page<{ id: number; username: string }>>(`/users/?username=${username}`);
  if (results.some((user) => user.username === username)) {
    throw new Error(`the user ${username} is there already and is not the demo's; use another SLIPWAY_DATA_DIR`);
  }
  await admin.post('/users/', { username, email: `${username}@example.com`, password });
  return tokenFor(url, username, password);
}
