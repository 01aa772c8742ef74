// Names of the embedded database and its roles, and the location of Slipway's password for it.
import { join } from 'node:path';

export const database = 'slipway';
export const roles = { owner: 'slipway', application: 'slipway_application' } as const;

export const ownerRole = roles.owner;

/** The URL of the embedded database, or of another one on its server, as one of its roles. */
export function connectionUrl(
  role: keyof typeof roles,
  password: string,
  port: number,
  name: string = database,
): string {
  return `postgres://${roles[role]}:${password}@127.0.0.1:${port}/${name}`;
}

/** The file with Slipway's password for a data folder's database. */
export const applicationPasswordFile = (dataDir: string): string => join(dataDir, 'postgres-application-password');
