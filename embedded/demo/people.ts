import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatePassword } from '../../db/access/passwords.ts';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { adminPasswordFile } from '../start.ts';
import { clientOf, logIn, newToken } from './client.ts';
import type { DemoClient, DemoPage } from './client.ts';

export interface DemoPerson extends DemoClient {
  id: number;
  username: string;
}

export interface People {
  admin: DemoClient;
  /** Release manager: creates, starts and carries out deploys. */
  mei: DemoPerson;
  /** Reviewer. */
  li: DemoPerson;
}

interface Known {
  tokens: Record<string, string>;
}

/** The demo's users, created at the first run; their tokens are kept as privately as the admin's password. */
export async function people(url: string, dataDir: string, adminPassword: string): Promise<People> {
  const file = join(dataDir, 'demo-tokens');
  if (!existsSync(file)) {
    const admin = await adminToken(url, dataDir, adminPassword);
    const tokens: Known['tokens'] = { admin };
    for (const username of ['mei', 'li']) tokens[username] = await invite(url, clientOf(url, admin), username);
    writeFileAtomic(file, JSON.stringify({ tokens }), 0o600);
  }
  const { tokens } = JSON.parse(readFileSync(file, 'utf8')) as Known;
  const admin = clientOf(url, tokens['admin'] ?? '');
  const person = async (username: string): Promise<DemoPerson> => {
    const { results } = await admin.get<DemoPage<{ id: number; username: string }>>(`/users/?username=${username}`);
    const id = results.find((user) => user.username === username)?.id ?? 0;
    return { id, username, ...clientOf(url, tokens[username] ?? '') };
  };
  return { admin, mei: await person('mei'), li: await person('li') };
}

/** A token of the administrator, whose generated password must be changed first. */
async function adminToken(url: string, dataDir: string, password: string): Promise<string> {
  const session = await logIn(url, 'admin', password);
  if (!session.mustChangePassword) return newToken(session, password);
  const chosen = generatePassword();
  const change = { original_password: password, new_password: chosen };
  await session.post(`/users/${session.userId}/actions/change-password/`, change);
  writeFileAtomic(adminPasswordFile({ dataDir }), `${chosen}\n`, 0o600);
  return newToken(session, chosen);
}

async function invite(url: string, admin: DemoClient, username: string): Promise<string> {
  const password = generatePassword();
  const { results } = await admin.get<DemoPage<{ id: number; username: string }>>(`/users/?username=${username}`);
  if (results.some((user) => user.username === username)) {
    throw new Error(`the user ${username} is there already and is not the demo's; use another SLIPWAY_DATA_DIR`);
  }
  await admin.post('/users/', { username, email: `${username}@example.com`, password });
  return newToken(await logIn(url, username, password), password);
}
