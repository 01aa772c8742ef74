import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadMasterKey } from '../../db/secrets/master-key.ts';
import { createSecrets, SecretsError, type SecretEnvelope } from '../../db/secrets/secrets.ts';

const masterKey = randomBytes(32).toString('base64');
const secrets = createSecrets({ masterKey });
const purpose = 'repository_credentials/secret/7';
const plaintext = '-----BEGIN KEY-----\n密码';

function refusal(open: () => unknown): SecretsError {
  try {
    open();
  } catch (error) {
    if (error instanceof SecretsError) return error;
  }
  throw new Error('it was opened');
}

test('a sealed secret opens under its purpose, survives JSON, and reveals no plaintext', () => {
  const envelope = secrets.seal(purpose, plaintext);
  expect(secrets.open(purpose, JSON.parse(JSON.stringify(envelope)))).toBe(plaintext);
  expect(JSON.stringify(envelope)).not.toContain('BEGIN');
  expect(secrets.open('x', secrets.seal('x', ''))).toBe('');
});

test('the same secret sealed twice differs in every part but the name of the key', () => {
  const [a, b] = [secrets.seal(purpose, plaintext), secrets.seal(purpose, plaintext)];
  expect(a.kid).toBe(b.kid);
  expect(a.key).not.toBe(b.key);
  expect(a.data).not.toBe(b.data);
});

test('an envelope moved to another row does not open', () => {
  expect(refusal(() => secrets.open('repository_credentials/secret/8', secrets.seal(purpose, plaintext))).reason).toBe(
    'tampered',
  );
});

test.each(['key', 'data'] as const)('a flipped bit of %s is detected', (part) => {
  const envelope = secrets.seal(purpose, plaintext);
  const bytes = Buffer.from(envelope[part], 'base64');
  for (const index of [0, 12, bytes.length - 1]) {
    const flipped = Buffer.from(bytes);
    flipped[index] = (flipped[index] ?? 0) ^ 1;
    const changed: SecretEnvelope = { ...envelope, [part]: flipped.toString('base64') };
    expect(refusal(() => secrets.open(purpose, changed)).reason).toBe('tampered');
  }
  const short: SecretEnvelope = { ...envelope, [part]: bytes.subarray(0, 20).toString('base64') };
  expect(refusal(() => secrets.open(purpose, short)).reason).toBe('tampered');
});

test('another master key is reported by name, with the remedy and without the secret', () => {
  const error = refusal(() =>
    createSecrets({ masterKey: randomBytes(32).toString('base64') }).open(purpose, secrets.seal(purpose, plaintext)),
  );
  expect(error.reason).toBe('other_master_key');
  expect(error.message).toContain('SLIPWAY_MASTER_KEY');
  expect(error.message).not.toContain(masterKey);
});

test('an invalid envelope is refused as such', () => {
  for (const value of [null, 'text', {}, { v: 2 }, plaintext])
    expect(refusal(() => secrets.open(purpose, value)).reason).toBe('malformed');
  expect(() => createSecrets({ masterKey: 'c2hvcnQ=' })).toThrow('32 bytes');
});

describe('the master key', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'slipway-key-'));
  });
  afterEach(() => {
    rmSync(dataDir, { recursive: true });
  });
  const config = { masterKey: undefined, masterKeyFile: undefined, databaseUrl: undefined };

  test('is made once when embedded, readable by its owner only', () => {
    const made = loadMasterKey({ ...config, dataDir });
    expect(Buffer.from(made, 'base64')).toHaveLength(32);
    expect(loadMasterKey({ ...config, dataDir })).toBe(made);
    expect(statSync(join(dataDir, 'master-key')).mode & 0o777).toBe(0o600);
  });

  test('is never invented for a shared database', () => {
    expect(() => loadMasterKey({ ...config, dataDir, databaseUrl: 'postgres://db/slipway' })).toThrow(
      'SLIPWAY_MASTER_KEY',
    );
  });

  test('comes from the variable or the file when they are set; a wrong file is named', () => {
    const file = join(dataDir, 'key');
    writeFileSync(file, `${masterKey}\n`);
    expect(loadMasterKey({ ...config, dataDir, masterKey })).toBe(masterKey);
    expect(loadMasterKey({ ...config, dataDir, masterKeyFile: file })).toBe(masterKey);
    writeFileSync(file, 'short');
    expect(() => loadMasterKey({ ...config, dataDir, masterKeyFile: file })).toThrow(file);
  });
});

test('a keyed hash is the same for the same text, and another for another text, purpose or master key', () => {
  const other = createSecrets({ masterKey: randomBytes(32).toString('base64') });
  const hash = secrets.mac('idempotency', plaintext);
  expect(secrets.mac('idempotency', plaintext)).toBe(hash);
  for (const another of [
    secrets.mac('idempotency', 'x'),
    secrets.mac('y', plaintext),
    other.mac('idempotency', plaintext),
  ])
    expect(another).not.toBe(hash);
});
