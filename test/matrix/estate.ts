// Objects of every kind, made straight in the database. A kind that is added here needs a number in `Objects` and the
// parameters by which paths name it.
import type { Kysely } from 'kysely';
import { beginSession } from '../../db/access/sessions.ts';
import { createToken } from '../../db/access/tokens.ts';
import type { Database } from '../../db/database.ts';
import { templateDefaults } from '../../db/deploy/settings.ts';
import { putPlan } from '../../db/deploy/tasks.ts';
import { json } from '../../db/core/jsonb.ts';
import { certificateRequests } from '../../db/requests/certificates.ts';
import { createResource } from '../../db/requests/changes.ts';
import { domainRequests } from '../../db/requests/domains.ts';
import { hostRequests } from '../../db/requests/hosts.ts';
import type { ResourceRow, ResourceRules } from '../../db/requests/kind.ts';
import { builtInPolicy } from '../../workflows/approvals/contract.ts';
import { openAtFirst } from '../../workflows/approvals/quorum.ts';
import { makeApplication, makeHost } from '../support/api/app.ts';
import { unique } from '../support/harness.ts';

/** Ids of a team's objects, and of what belongs to one person. */
export interface Objects {
  application: number;
  child: number;
  host: number;
  instance: number;
  deployTask: number;
  upgrade: number;
  revert: number;
  freeze: number;
  instanceTask: number;
  hostTask: number;
  hostImport: number;
  shippedPackage: number;
  production: number;
  script: number;
  template: number;
  role: number;
  navigator: number;
  user: number;
  token: number;
  session: number;
  password: number;
  sshKey: number;
  record: number;
  policy: number;
  hostRequest: number;
  domainRequest: number;
  certificateRequest: number;
}

const byId = (name: keyof Objects) => (objects: Objects) => ({ id: objects[name] });

/** How paths name an object; `parent` is the one whose id goes before. */
export const kinds = {
  application: byId('application'),
  host: byId('host'),
  instance: (o: Objects, parent: Objects) => ({ id: parent.application, instance_id: o.instance }),
  deployTask: byId('deployTask'),
  upgrade: (o: Objects, parent: Objects) => ({ id: parent.deployTask, task_id: o.upgrade }),
  revert: (o: Objects, parent: Objects) => ({ id: parent.deployTask, task_id: o.revert }),
  instanceTask: (o: Objects, parent: Objects) => ({ id: parent.application, task_id: o.instanceTask }),
  hostTask: (o: Objects) => ({ task_id: o.hostTask }),
  freeze: byId('freeze'),
  hostImport: byId('hostImport'),
  shippedPackage: byId('shippedPackage'),
  production: byId('production'),
  script: byId('script'),
  template: byId('template'),
  role: byId('role'),
  navigator: byId('navigator'),
  user: byId('user'),
  token: byId('token'),
  session: byId('session'),
  password: byId('password'),
  sshKey: byId('sshKey'),
  record: byId('record'),
  policy: byId('policy'),
  hostRequest: byId('hostRequest'),
  domainRequest: byId('domainRequest'),
  certificateRequest: byId('certificateRequest'),
} satisfies Record<string, (objects: Objects, parent: Objects) => Record<string, number>>;
export type Kind = keyof typeof kinds;

/** Kinds that are looked up under a parent. */
export const nested: readonly Kind[] = ['instance', 'upgrade', 'revert', 'instanceTask'];

const nowhere = 999_999_999;
/** Ids without an object. */
export const absent = new Proxy({} as Objects, { get: () => nowhere });

type Db = Kysely<Database>;

const idOf = async (found: { executeTakeFirstOrThrow(): Promise<{ id: number }> }): Promise<number> =>
  (await found.executeTakeFirstOrThrow()).id;

const noEnd = { error: null, finishedTime: null } as const;

function makeDeployTask(db: Db, application: number, by: { id: number }): Promise<number> {
  const now = new Date();
  return idOf(
    db
      .insertInto('deployTasks')
      .values({
        applicationId: application,
        creatorId: by.id,
        ownerId: by.id,
        version: '1',
        level: 'A',
        packageSource: '/p',
        plannedExecTime: now,
        requiredApprovals: 1,
        startedTime: null,
        ...noEnd,
        planHash: null,
        planRound: 1,
        policy: null,
        reviewSince: null,
        changedById: null,
        brokeGlassById: null,
      })
      .returning('id'),
  );
}

async function makeDeploy(db: Db, application: number, by: { id: number; username: string }) {
  const deployTask = await makeDeployTask(db, application, by);
  await putPlan(db, deployTask, 1, {
    version: '1',
    directory: '/d',
    deploy_path: '/d',
    run_user: 'u',
    startup_cmd: 's',
    stop_cmd: 's',
    pid_path: '/p',
    keep_backups: 1,
    hooks: [],
    instances: [],
    package: { source: '/p', sha256: null, size: null, unread: 'not yet' },
  });
  const ofDeploy = (kind: string, number: number) => {
    const of = { kind, number, deployTaskId: deployTask, applicationId: application, creator: by.username };
    return idOf(
      db
        .insertInto('tasks')
        .values({ area: 'deploy', ...of, version: '1', updateSource: null, timeoutSeconds: 1, ...noEnd })
        .returning('id'),
    );
  };
  const ofInstance = { kind: 'start', number: null, deployTaskId: null, applicationId: application, version: null };
  const instanceTask = await idOf(
    db
      .insertInto('tasks')
      .values({
        area: 'instance',
        ...ofInstance,
        creator: by.username,
        updateSource: null,
        timeoutSeconds: 1,
        ...noEnd,
      })
      .returning('id'),
  );
  const freeze = await makeFreeze(db, application, by.username);
  return {
    freeze,
    instanceTask,
    deployTask,
    upgrade: await ofDeploy('upgrade', 1),
    revert: await ofDeploy('revert', 2),
  };
}

function makeFreeze(db: Db, applicationId: number, creator: string): Promise<number> {
  const period = { fromTime: new Date(), untilTime: new Date(Date.now() + 3_600_000) };
  const freeze = { applicationId, productionId: null, ...period, reason: 'sale', creator };
  return idOf(db.insertInto('deployFreezes').values(freeze).returning('id'));
}

async function makeHostTask(db: Db, hostId: number, creator: string): Promise<number> {
  const of = { kind: 'init', number: null, deployTaskId: null, applicationId: null, creator, version: null };
  const id = await idOf(
    db
      .insertInto('tasks')
      .values({ area: 'host', ...of, updateSource: null, timeoutSeconds: 1, ...noEnd })
      .returning('id'),
  );
  const noEnding = { problem: null, warning: null, started: null, finished: null };
  const none = { instanceId: null, step: null, previousVersion: null, previousStatus: null, errorCode: null };
  await db
    .insertInto('taskResults')
    .values({ ...none, taskId: id, position: 0, hostId, hostname: 'h', message: null, ...noEnding })
    .execute();
  return id;
}

function makeImport(db: Db, creator: string): Promise<number> {
  const looked = { kind: 'import', sources: json(['ALI_ECS']), adopt: false, status: 'finished' } as const;
  const now = new Date();
  return idOf(
    db
      .insertInto('hostImports')
      .values({ ...looked, creator, createdTime: now, finishedTime: now })
      .returning('id'),
  );
}
const makePackage = (db: Db, maintainer: string): Promise<number> =>
  idOf(
    db
      .insertInto('shippedPackages')
      .values({ name: `package-${unique()}`, type: 'zip', maintainer, source: '/p.zip', sha256: null })
      .returning('id'),
  );

async function makeInventory(db: Db, creator: string) {
  const [application, child] = [await makeApplication(db), await makeApplication(db)];
  for (const applicationId of [application, child])
    await db.insertInto('deploySettings').values({ applicationId, creator }).execute();
  const host = await makeHost(db);
  await db.updateTable('hosts').set({ status: 'attached' }).where('id', '=', host).execute();
  const instance = await idOf(
    db.insertInto('instances').values({ applicationId: application, hostId: host }).returning('id'),
  );
  const production = await idOf(
    db
      .insertInto('productions')
      .values({ name: `line-${unique()}`, creator })
      .returning('id'),
  );
  await db.updateTable('applications').set({ productionId: production }).where('id', '=', application).execute();
  return { application, child, host, instance, production };
}

const makePolicy = (db: Db, applicationId: number, creator: string): Promise<number> =>
  idOf(
    db
      .insertInto('approvalPolicies')
      .values({
        name: `policy-${unique()}`,
        kind: 'deploy_task',
        levels: '[]',
        applicationId,
        productionId: null,
        steps: '[]',
        creatorMayVote: false,
        escalateAfterHours: null,
        escalateTo: null,
        expireAfterHours: null,
        breakGlass: null,
        enabled: true,
        creator,
      })
      .returning('id'),
  );

/** A request of each kind, for things that no other one asks for. */
async function makeRequests(db: Db, by: { id: number; username: string }) {
  const policy = builtInPolicy(1);
  const make = <Row extends ResourceRow>(rules: ResourceRules<Row>, fields: object): Promise<number> =>
    db.transaction().execute(async (tx) => {
      const own = { purpose: 'p', ...fields };
      const first = () => ({ openTo: openAtFirst(policy), requiredApprovals: 1 });
      return (await createResource(tx, rules, { ...by, channel: 'token' }, own, first)).id;
    });
  const name = unique();
  const host = { name, specs: { cpu_core: 1, mem: 1024, storage: 10_240 }, os: 'debian', type: 'PHY_HOST' };
  const record = { name: `${name}.example.com`, type: 'A', value: '192.0.2.1' };
  const certificate = { domain: `${name}.example.com`, certificateType: 'normal', expectDeliveryDays: 7 };
  return {
    hostRequest: await make(hostRequests, { hosts: [host], expirationDays: null, expectDeliveryDays: 7 }),
    domainRequest: await make(domainRequests, { records: [record] }),
    certificateRequest: await make(certificateRequests, certificate),
  };
}

/** What a team has; `by` is who made it. */
export async function makeTeam(db: Db, by: { id: number; username: string }): Promise<Objects> {
  const creator = by.username;
  const inventory = await makeInventory(db, creator);
  const script = { name: `script-${unique()}`, creator, language: 'bash', content: 'true' } as const;
  const template = { name: `template-${unique()}`, creator, deployPath: '/srv/x', ...templateDefaults };
  const navigator = { name: `navigator-${unique()}`, img: '', url: 'https://example.com/', creator };
  const member = { username: `by-${unique()}`, name: 'b', email: `${unique()}@example.com` };
  const user = await idOf(
    db
      .insertInto('users')
      .values({ ...member, lastLoginTime: null, passwordHash: null })
      .returning('id'),
  );
  return {
    ...inventory,
    ...(await makeDeploy(db, inventory.application, by)),
    hostTask: await makeHostTask(db, inventory.host, creator),
    hostImport: await makeImport(db, creator),
    shippedPackage: await makePackage(db, creator),
    script: await idOf(db.insertInto('deployScripts').values(script).returning('id')),
    template: await idOf(db.insertInto('deployTemplates').values(template).returning('id')),
    role: await idOf(
      db
        .insertInto('roles')
        .values({ name: `role-${unique()}`, creator })
        .returning('id'),
    ),
    navigator: await idOf(db.insertInto('externalNavigators').values(navigator).returning('id')),
    ...(await makePersonal(db, user)),
    record: 1,
    policy: await makePolicy(db, inventory.application, creator),
    ...(await makeRequests(db, by)),
  };
}

/** What belongs to one person. */
export async function makePersonal(db: Db, user: number) {
  const credential = (type: 'PASSWORD' | 'SSH_PRIVATE_KEY') => {
    const facts = { secret: json({}), fingerprint: 'f', publicKey: 'p' };
    return idOf(
      db
        .insertInto('repositoryCredentials')
        .values({ userId: user, name: 'c', type, username: 'u', ...facts })
        .returning('id'),
    );
  };
  const { id: token } = await createToken(db, { userId: user, name: unique(), description: '', expiresTime: null });
  await beginSession(db, { userId: user, remoteAddr: null, userAgent: null, now: new Date() });
  const session = await idOf(db.selectFrom('sessions').where('userId', '=', user).select('id'));
  return { user, token, session, password: await credential('PASSWORD'), sshKey: await credential('SSH_PRIVATE_KEY') };
}
