// Seeds directly into the database what a deploy needs: users with tokens, an application, hosts that are folders, a
// package.
import { randomInt } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { create } from 'tar';
import { createToken } from '../db/access/tokens.ts';
import type { Database } from '../db/database.ts';
import { insertRows } from '../db/core/row-batches.ts';
import { localHostFolder } from '../kit/host-path.ts';

export interface BenchPerson {
  id: number;
  token: string;
}

export interface BenchEstate {
  applicationId: number;
  /** Creates and starts. */
  manager: BenchPerson;
  /** Approves. */
  reviewer: BenchPerson;
  packageSource: string;
}

/** A user with a token; its last use is already recorded, so no request writes it. */
export async function person(db: Kysely<Database>, username: string, { admin = false } = {}): Promise<BenchPerson> {
  const { id } = await db
    .insertInto('users')
    .values({ username, name: username, email: `${username}@example.com`, passwordHash: null, lastLoginTime: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  if (admin)
    await sql`insert into user_roles (user_id, role_id) select ${id}, id from roles where name = 'admin'`.execute(db);
  const { value } = await createToken(db, { userId: id, name: 'bench', description: '', expiresTime: null });
  const lastUsedTime = new Date(Date.now() + 3_600_000);
  await db.updateTable('authTokens').set({ lastUsedTime }).where('userId', '=', id).execute();
  return { id, token: value };
}

/** Permissions on applications. */
export async function grant(db: Kysely<Database>, userId: number, permissions: string[], ids: number[]): Promise<void> {
  const rows = ids.flatMap((objectId) =>
    permissions.map((permission) => ({ userId, roleId: null, scope: 'application' as const, objectId, permission })),
  );
  await insertRows(db, 'grants', rows);
}

/** An application on two hosts with a package. */
export async function makeEstate(db: Kysely<Database>, dataDir: string): Promise<BenchEstate> {
  // Ids name workflows, and all benchmarks share one engine.
  await sql`select setval(pg_get_serial_sequence('deploy_tasks', 'id'), ${randomInt(1, 2 ** 40)})`.execute(db);
  const { id: applicationId } = await db
    .insertInto('applications')
    .values({
      name: 'web',
      fullName: 'web',
      parentId: null,
      productionId: null,
      creator: 'bench',
      deletedTime: null,
      runUser: userInfo().username,
      directory: '/srv/web',
      startupCmd: 'true',
      stopCmd: 'true',
      pidPath: '/run/web.pid',
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db.insertInto('deploySettings').values({ applicationId, creator: 'bench' }).execute();
  const packageSource = '/packages/web.tar.gz';
  const made = await packageFile(dataDir);
  for (const name of ['web-1', 'web-2']) {
    const file = join(localHostFolder(dataDir, name), packageSource);
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(made, file);
    await sql`
      with host as (insert into hosts (name, host_type, runner, status, creator)
        values (${name}, 'PHY_HOST', 'local', 'attached', 'bench') returning id)
      insert into instances (application_id, host_id) select ${applicationId}, id from host`.execute(db);
  }
  const manager = await person(db, 'manager');
  const reviewer = await person(db, 'reviewer');
  await grant(db, manager.id, ['view_app', 'deploy_app'], [applicationId]);
  await grant(db, reviewer.id, ['review_app_deploy_task'], [applicationId]);
  return { applicationId, manager, reviewer, packageSource };
}

async function packageFile(dataDir: string): Promise<string> {
  const folder = mkdtempSync(join(dataDir, 'package-'));
  writeFileSync(join(folder, 'VERSION'), '1.0.0\n');
  await create({ file: `${folder}.tar.gz`, cwd: folder, gzip: true }, ['.']);
  rmSync(folder, { recursive: true });
  return `${folder}.tar.gz`;
}

/** The body of a request for a deploy task. */
export const deployTaskOf = ({ applicationId, packageSource }: BenchEstate) => ({
  application_id: applicationId,
  level: 'A',
  version: '1.0.0',
  package_source: packageSource,
  planned_exec_time: Math.floor(Date.now() / 1000),
});
