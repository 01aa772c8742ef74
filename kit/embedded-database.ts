// The names of the embedded database and its roles, and where the password is kept as which Slipway runs on it.
import { join } from 'node:path';

export const database = 'slipway';
export const roles = { owner: 'slipway', application: 'slipway_application' } as const;

export const ownerRole = roles.owner;

/** The address of the embedded database as one of its roles, or of another one on its server. */
export function connectionUrl(
  role: keyof typeof roles,
  password: string,
  port: number,
  name: string = database,
): string {
  return `postgres://${roles[role]}:${password}@127.0.0.1:${port}/${name}`;
}

/** The file that holds the password as which Slipway runs on a data folder's database. */
export const applicationPasswordFile = (dataDir: string): string => join(dataDir, 'postgres-application-password');
