import { generateKeyPairSync } from 'node:crypto';
import { credentialPurpose } from '../../db/deploy/credentials.ts';
import { testApp, type TestApp, type TestUser } from '../support/api/app.ts';
import { anApplication, created, recordsOf, refusal, type Page } from '../support/api/inventory.ts';
import { knownKeys, opensshKey } from '../support/api/ssh-keys.ts';

let t: TestApp;
let user: TestUser;
let other: TestUser;
beforeAll(async () => {
  t = await testApp();
  user = await t.user({ system: ['enable_deploy_template_mgmt', 'create_app'] });
  other = await t.user({ system: ['enable_deploy_template_mgmt'] });
});
afterAll(() => t.close());

interface Credential {
  id: number;
  [field: string]: unknown;
}

const passwords = '/application/repository-credentials/password/';
const keys = '/application/repository-credentials/ssh-private-key/';
const secret = 'correct-horse-battery-staple';

const stored = (id: number) =>
  t.db.selectFrom('repositoryCredentials').where('id', '=', id).selectAll().executeTakeFirstOrThrow();

describe('password credentials', () => {
  test('return no secret, keep it sealed, and neither log nor record it', async () => {
    const made_ = await created<Credential>(user, passwords, { username: 'deployer', password: secret });
    expect(made_).toEqual({
      id: made_.id,
      name: 'deployer',
      type: 'PASSWORD',
      username: 'deployer',
      password: '******',
    });
    const row = await stored(made_.id);
    expect(t.deps.secrets.open(credentialPurpose(made_.id), row.secret)).toBe(secret);
    const everywhere = JSON.stringify([row, await recordsOf(t.db, 'credential', made_.id), t.log]);
    expect(everywhere).not.toContain(secret);
  });

  test('are changed with the id in the path or in the body; the mask keeps the secret', async () => {
    const { id } = await created<Credential>(user, passwords, { username: 'a', password: secret, name: 'nexus' });
    const before = (await stored(id)).secret;
    const kept = await user.patch<Credential>(`${passwords}${id}/`, { username: 'b', password: '******' });
    expect(kept.body).toMatchObject({ id, name: 'nexus', username: 'b' });
    expect((await stored(id)).secret).toEqual(before);
    expect((await user.patch(passwords, { id, password: 'another' })).status).toBe(200);
    expect(t.deps.secrets.open(credentialPurpose(id), (await stored(id)).secret)).toBe('another');
    const last = (await recordsOf(t.db, 'credential', id)).at(-1);
    expect(last).toMatchObject({ opType: 'update', changes: { password: ['******', '******'] } });
  });

  test('belong to their creator alone: to others, administrators too, they do not exist', async () => {
    const { id } = await created<Credential>(user, passwords, { username: 'mine', password: secret });
    const admin = await t.user({ admin: true });
    for (const stranger of [other, admin]) {
      expect(refusal(await stranger.get(`${passwords}${id}/`))).toEqual([404, 10004]);
      expect(refusal(await stranger.patch(`${passwords}${id}/`, { name: 'x' }))).toEqual([404, 10004]);
      expect(refusal(await stranger.delete(`${passwords}${id}/`))).toEqual([404, 10004]);
      expect((await stranger.get<Page>(passwords)).body.count).toBe(0);
    }
    expect(refusal(await user.get(`${keys}${id}/`))).toEqual([404, 10004]);
    expect(refusal(await (await t.user()).get(passwords))).toEqual([403, 10003]);
  });

  test.each([
    [{ username: 'a' }, 'password'],
    [{ password: 'a' }, 'username'],
    [{ username: 'a', password: '' }, 'password'],
    [{ username: 'a', password: '******' }, 'password'],
    [{ username: 'a', password: 'x'.repeat(1025) }, 'password'],
    [{ username: 'a\nb', password: 'x' }, 'username'],
    [{ username: 'x'.repeat(129), password: 'x' }, 'username'],
    [{ username: 'a', password: 'x', name: 'x'.repeat(65) }, 'name'],
    [{ username: 'a', password: 'x', private_key: 'x' }, 'private_key'],
    [{ username: 'a', password: 'x', type: 'SSH_PRIVATE_KEY' }, 'type'],
  ])('a bad body is 10001 (%#)', async (body, field) => {
    expect(refusal(await user.post(passwords, body))).toEqual([400, 10001, field]);
  });

  test('cannot be deleted while in use', async () => {
    const { id } = await created<Credential>(user, passwords, { username: 'used', password: secret });
    const app = await anApplication(user);
    const settings = `/applications/${app}/deploy-settings/`;
    const repository = { type: 'GIT', url: 'https://git.example.com/a.git', branch: 'main', credential: id };
    expect((await user.patch(settings, { repository })).status).toBe(200);
    expect(refusal(await user.delete(`${passwords}${id}/`))).toEqual([409, 10005]);
    await user.patch(settings, { repository: null });
    expect((await user.delete(`${passwords}${id}/`)).status).toBe(200);
  });
});

describe('key credentials', () => {
  test.each(knownKeys)('%s: fingerprint and public key are those of ssh-keygen', async (_form, private_key, facts) => {
    const credential = await created<Credential>(user, keys, { private_key });
    expect(credential).toMatchObject({
      type: 'SSH_PRIVATE_KEY',
      username: 'git',
      name: 'git',
      private_key: '******',
      ...facts,
    });
    const row = await stored(credential.id);
    expect(t.deps.secrets.open(credentialPurpose(credential.id), row.secret)).toBe(private_key);
    expect(JSON.stringify(row)).not.toContain('PRIVATE KEY');
  });

  test('RSA in PKCS #1: the public half holds exponent and modulus', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const private_key = privateKey.export({ type: 'pkcs1', format: 'pem' });
    const { public_key } = await created<Credential>(user, keys, { private_key });
    const blob = Buffer.from(String(public_key).split(' ')[1] ?? '', 'base64').toString('hex');
    const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
    const hex = (part: string) => Buffer.from(part, 'base64url').toString('hex');
    expect(blob).toBe(`00000007${Buffer.from('ssh-rsa').toString('hex')}00000003${hex(e)}0000010100${hex(n)}`);
  });

  test('a passphrase, another kind of key, a public key and garbage are 10001', async () => {
    const pem = { type: 'pkcs8', format: 'pem' } as const;
    const sealed = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { ...pem, cipher: 'aes-256-cbc', passphrase: 'x' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const exchange = generateKeyPairSync('x25519').privateKey.export(pem);
    const lines = opensshKey().split('\n');
    const bad = [
      opensshKey('aes256-ctr'),
      sealed.privateKey,
      sealed.publicKey,
      exchange,
      'garbage',
      [lines[0], lines[1], lines.at(-2)].join('\n'),
      'x'.repeat(16 * 1024 + 1),
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
    ];
    for (const private_key of bad)
      expect(refusal(await user.post(keys, { private_key }))).toEqual([400, 10001, 'private_key']);
  });
});
