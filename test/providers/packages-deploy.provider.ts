// Packages from real repositories to instances, as people bring them: a credential, settings, a plan, an upgrade; and
// what is left of the secrets afterwards. Slipway runs in processes of its own, as in production.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiResponse, TestUser } from '../support/api/app.ts';
import { accepted, act, outcome, taskPath, upgrade } from '../support/deploy/acts.ts';
import { hostsOf } from '../support/deploy/hosts.ts';
import { ownEstate } from '../support/deploy/processes.ts';
import type { ProcessEstate } from '../support/deploy/processes.ts';
import { eventually, unique } from '../support/harness.ts';
import { endedTask, makeEstate, taskOf } from '../support/world.ts';
import type { TestEstate } from '../support/world.ts';
import { ftpsServer, gitOverSsh, packageName, packageOf } from '../support/providers/package-sources.ts';
import type { PackageSource } from '../support/providers/package-sources.ts';
import { tracesOf } from '../support/providers/traces.ts';

const versions = ['1.0.0', '1.1.0'];
const credentials = '/application/repository-credentials';
const patience = { timeout: 120_000, interval: 100 };

const kinds = {
  'git over ssh with a key': { start: gitOverSsh, path: `${credentials}/ssh-private-key/` },
  'FTPS with a password': { start: ftpsServer, path: `${credentials}/password/` },
} as const;
type Kind = keyof typeof kinds;
const names = Object.keys(kinds) as Kind[];

interface Shop {
  source: PackageSource;
  estate: TestEstate;
  credential: number;
}

let site: ProcessEstate;
let admin: TestUser;
const shops = {} as Record<Kind, Shop>;
const answers: string[] = [];

/** Keeps every answer, for what must not be in any. */
async function heard<B>(answer: Promise<ApiResponse<B>>): Promise<ApiResponse<B>> {
  const given = await answer;
  answers.push(JSON.stringify(given.body));
  return given;
}

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-trust-'));
  const trusted = { knownHosts: join(folder, 'known_hosts'), caFile: join(folder, 'ca.pem') };
  const sources = {
    [names[0] as Kind]: await gitOverSsh(versions, trusted),
    [names[1] as Kind]: await ftpsServer(versions, trusted),
  };
  site = await ownEstate({
    SLIPWAY_LOG_LEVEL: 'debug',
    SLIPWAY_REPOSITORY_ALLOW: '127.0.0.0/8',
    SLIPWAY_REPOSITORY_KNOWN_HOSTS: trusted.knownHosts,
    SLIPWAY_REPOSITORY_CA_FILE: trusted.caFile,
  });
  await Promise.all([site.start('worker'), site.start('api')]);
  admin = await site.user({ admin: true });
  for (const kind of names) shops[kind] = await openShop(kind, sources[kind] as PackageSource);
});
afterAll(async () => {
  await site.close();
  for (const { source } of Object.values(shops)) await source.stop();
}, 60_000);

/** An application on two hosts, its settings naming a repository and a credential that was stored before. */
async function openShop(kind: Kind, source: PackageSource): Promise<Shop> {
  const estate = await makeEstate(site);
  const body = { name: unique(), username: source.username, ...source.secret };
  const made = await heard(admin.post<{ id: number }>(kinds[kind].path, body));
  expect(made).toMatchObject({ status: 201 });
  const repository = { ...source.repository, credential: made.body.id };
  const settings = `/applications/${estate.applicationId}/deploy-settings/`;
  expect(await heard(admin.patch(settings, { repository }))).toMatchObject({ status: 200 });
  return { source, estate, credential: made.body.id };
}

interface Plan {
  package: { sha256: string | null; unread: string | null };
}

/** A deploy task of level I with its plan. */
async function planned({ estate }: Shop, version: string, packageSource: string) {
  const { manager, applicationId } = estate;
  const made = await heard(
    manager.post<{ id: number }>('/application/deploy-tasks/', {
      application_id: applicationId,
      level: 'I',
      version,
      package_source: packageSource,
      planned_exec_time: Math.floor(Date.now() / 1000) - 60,
    }),
  );
  expect(made).toMatchObject({ status: 201 });
  const { id } = made.body;
  await eventually(async () => (await taskOf(site, id)).planHash !== null, patience);
  const { body } = await heard(manager.get<Plan>(taskPath(id, 'plan/')));
  return { id, package: body.package };
}

const everythingOn = ({ estate }: Shop): string[] =>
  hostsOf(site, estate).flatMap(({ root }) => readdirSync(root, { recursive: true, encoding: 'utf8' }).sort());

describe.each(names)('a deploy from %s', (kind) => {
  test.each(versions)(
    'brings %s to two hosts by one reading: its plan names the checksum',
    async (version) => {
      const shop = shops[kind];
      const { source, estate } = shop;
      const before = source.connections();
      const { id, package: found } = await planned(shop, version, packageName(version));
      expect(source.connections()).toBeGreaterThan(before);
      const sha256 = createHash('sha256').update(packageOf(version)).digest('hex');
      expect(found).toMatchObject({ sha256, unread: null });
      expect(await heard(act(estate.manager, id, 'start'))).toMatchObject({ status: 200 });
      const read = source.connections();
      const answer = await heard(upgrade(estate, id, { version, update_source: packageName(version) }));
      const subTask = accepted(answer);
      expect(await endedTask(site, subTask, patience.timeout)).toMatchObject({ status: 'finished', error: null });
      expect(source.connections()).toBe(read);
      for (const host of hostsOf(site, estate)) {
        expect(host.current).toBe(`releases/${version}`);
        expect(readFileSync(host.at('srv/web/current/VERSION'), 'utf8')).toBe(`${version}\n`);
      }
      const output = await heard(estate.manager.get(taskPath(id, `sub-tasks/${subTask}/output/`)));
      expect(JSON.stringify(output.body)).toContain(`${packageName(version)}, sha256 ${sha256}`);
      await eventually(async () => (await taskOf(site, id)).status === 'finished', patience);
    },
    300_000,
  );

  const change = async (secret: PackageSource['secret']) =>
    expect(await heard(admin.patch(`${kinds[kind].path}${shops[kind].credential}/`, secret))).toMatchObject({
      status: 200,
    });

  afterEach(async () => {
    const { source } = shops[kind];
    source.trust(true);
    await change(source.secret);
  });

  test.each<[string, string, string, (source: PackageSource) => unknown]>([
    [
      'a wrong password or key',
      packageName('1.0.0'),
      'does not accept this user name',
      ({ otherSecret }) => change(otherSecret),
    ],
    [
      'a server that is another one than the trusted',
      packageName('1.0.0'),
      kind === 'FTPS with a password' ? 'certificate' : 'SLIPWAY_REPOSITORY_KNOWN_HOSTS',
      ({ trust }) => trust(false),
    ],
    ['a path that is not there', 'pack/none.tar.gz', 'there is no package at', () => undefined],
    ['an archive that writes outside itself', 'bad/slip.zip', 'climbs out by', () => undefined],
    ['a bomb', 'bad/bomb.zip', 'unpacks to more than 200 times its size', () => undefined],
  ])(
    '%s is said in the plan, which cannot be started; nothing is left on hosts',
    async (_, path, text, set) => {
      const shop = shops[kind];
      const { estate } = shop;
      const before = everythingOn(shop);
      await set(shop.source);
      const { id, package: found } = await planned(shop, `2.${unique()}`, path);
      expect(found).toMatchObject({ sha256: null, unread: expect.stringContaining(text) });
      const answer = await heard(act(estate.manager, id, 'start'));
      expect(outcome(answer)).toEqual([409, 10005]);
      expect(answer.body['message']).toContain(text);
      expect(everythingOn(shop)).toEqual(before);
      expect(await heard(act(estate.manager, id, 'close'))).toMatchObject({ status: 200 });
    },
    300_000,
  );
});

test('the secrets are in no table, history, log line, file or answer, and the looking would find them', async () => {
  for (const kind of names) {
    const { estate, credential } = shops[kind];
    for (const path of [
      kinds[kind].path,
      `${kinds[kind].path}${credential}/`,
      `/applications/${estate.applicationId}/deploy-settings/`,
    ])
      expect(await heard(admin.get(path))).toMatchObject({ status: 200 });
  }
  for (const path of ['/application/deploy-tasks/', '/audit/operations/?page_size=1000', '/audit/app-operations/'])
    expect(await heard(admin.get(path))).toMatchObject({ status: 200 });
  const secrets = names.flatMap((kind) => shops[kind].source.secrets);
  expect(secrets.filter((secret) => secret.length < 20)).toEqual([]);
  expect(answers.filter((answer) => secrets.some((secret) => answer.includes(secret)))).toEqual([]);
  expect(answers.filter((answer) => answer.includes('"******"')).length).toBeGreaterThanOrEqual(names.length);
  expect(await tracesOf(site, secrets)).toEqual([]);
  // What is known to be there shows that each place was read.
  const shown = await tracesOf(site, [packageName('1.1.0')]);
  expect(shown).toEqual(
    expect.arrayContaining(['table public.deploy_tasks', expect.stringMatching(/^history of deploy-task/)]),
  );
  expect(site.logs()).not.toBe('');
  expect(readdirSync(join(site.config.dataDir, 'repositories')).filter((name) => name.startsWith('.access'))).toEqual(
    [],
  );
}, 120_000);

test('a stored secret is encrypted in its column', async () => {
  const rows = await site.db.selectFrom('repositoryCredentials').select(['username', 'secret']).execute();
  expect(rows.map(({ username }) => username).sort()).toEqual(names.map((kind) => shops[kind].source.username).sort());
  const kept = JSON.stringify(rows.map(({ secret }) => secret));
  expect(kept.length).toBeGreaterThan(200);
  const secrets = names.flatMap((kind) => shops[kind].source.secrets);
  expect(secrets.filter((secret) => kept.includes(secret))).toEqual([]);
});
