// The callers of the API, and an estate with low ids that generated values hit. The callers have ids out of the generator's
// reach, so that they neither disable their own user nor delete their token.
import { sql } from 'kysely';
import { newTokenValue, secretHash } from '../../db/access/credentials.ts';
import { connect } from '../../db/core/connect.ts';

/** A caller of the API; anonymous without a token. */
export interface Role {
  name: 'anonymous' | 'reader' | 'admin' | 'last';
  token: string | undefined;
  /** The only operations, or those that are left out. */
  only?: readonly string[];
  without?: readonly string[];
  phases: string;
  /** Generated requests an operation. */
  examples: number;
}

const outOfReach = 900_000_000_000;

// Operations by which callers can lock themselves out; generators learn even high ids from lists. A separate administrator
// tries them last, on any user.
const endings = ['disableUser', 'setPassword', 'deleteAuthToken', 'unassignRoles', 'removeRoleUsers'];

type Db = ReturnType<typeof connect>;

/** Makes the roles and what they look at. */
export async function makeRoles(databaseUrl: string): Promise<Role[]> {
  const db = connect(databaseUrl, { max: 2, applicationName: 'slipway-schema-test' });
  try {
    const [admin, reader, last] = [
      await someone(db, outOfReach, 'tester'),
      await someone(db, outOfReach + 1, 'reader'),
      await someone(db, outOfReach + 2, 'last'),
    ];
    for (const { id } of [admin, last])
      await sql`insert into user_roles (user_id, role_id) select ${id}, id from roles where name = 'admin'`.execute(db);
    await makeEstate(db, reader.id);
    return [
      { name: 'anonymous', token: undefined, phases: 'fuzzing,stateful', examples: 6 },
      { name: 'reader', token: reader.token, without: ['deleteAuthToken'], phases: 'fuzzing,stateful', examples: 8 },
      { name: 'admin', token: admin.token, without: endings, phases: 'coverage,fuzzing,stateful', examples: 5 },
      { name: 'last', token: last.token, only: endings, phases: 'coverage,fuzzing', examples: 8 },
    ];
  } finally {
    await db.destroy();
  }
}

async function someone(db: Db, id: number, username: string): Promise<{ id: number; token: string }> {
  const email = `${username}@example.com`;
  await sql`insert into users (id, username, name, email) overriding system value
    values (${id}, ${username}, ${username}, ${email})`.execute(db);
  const token = newTokenValue();
  await sql`insert into auth_tokens (id, user_id, name, description, value_hash, last_four) overriding system value
    values (${id}, ${id}, 'test', '', ${secretHash(token)}, ${token.slice(-4)})`.execute(db);
  return { id, token };
}

async function makeEstate(db: Db, readerId: number): Promise<void> {
  const creator = 'tester';
  for (const name of ['one', 'two', 'three']) {
    const application = await db
      .insertInto('applications')
      .values({ name, fullName: name, parentId: null, productionId: null, creator, deletedTime: null })
      .returning('id')
      .executeTakeFirstOrThrow();
    await db.insertInto('deploySettings').values({ applicationId: application.id, creator }).execute();
    const host = await db
      .insertInto('hosts')
      .values({ name, hostType: 'PHY_HOST', runner: 'local', creator, status: 'attached' })
      .returning('id')
      .executeTakeFirstOrThrow();
    await db.insertInto('instances').values({ applicationId: application.id, hostId: host.id }).execute();
    if (name === 'three') continue;
    const reads = [
      ['application', application.id, 'view_app'],
      ['application', application.id, 'view_app_log'],
      ['host', host.id, 'view_host'],
    ] as const;
    for (const [scope, objectId, permission] of reads)
      await db.insertInto('grants').values({ userId: readerId, roleId: null, scope, objectId, permission }).execute();
  }
}
