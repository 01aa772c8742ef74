// A user of this machine for the servers that let users of the machine in, with a password and a key, and certificates.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Account {
  username: string;
  password: string;
  /** A private key that its `authorized_keys` names. */
  privateKey: string;
  authorizedKeys: string;
  remove(): void;
}

/** Makes a user, who is gone with `remove`. */
export function makeAccount(): Account {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-account-'));
  chmodSync(folder, 0o755);
  const username = `slipway${randomBytes(4).toString('hex')}`;
  const password = `pw-${randomBytes(12).toString('hex')}`;
  execFileSync('useradd', ['--no-create-home', '--home-dir', folder, '--shell', '/bin/bash', username]);
  execFileSync('chpasswd', { input: `${username}:${password}\n` });
  const key = join(folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', key]);
  return {
    username,
    password,
    privateKey: readFileSync(key, 'utf8'),
    authorizedKeys: `${key}.pub`,
    remove: () => {
      execFileSync('userdel', ['--force', username], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Certificates {
  /** Of the authority, PEM. */
  ca: string;
  caFile: string;
  certificateFile: string;
  keyFile: string;
}

/** An authority and a certificate of it for `localhost` and 127.0.0.1, in files below a folder. */
export function makeCertificates(folder: string): Certificates {
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const subject = (name: string) => ['-subj', `/CN=${name}`, '-nodes', '-newkey', 'rsa:2048'];
  openssl('req', '-x509', '-days', '2', ...subject('Test CA'), '-keyout', at('ca.key'), '-out', at('ca.pem'));
  openssl('req', ...subject('localhost'), '-keyout', at('server.key'), '-out', at('server.csr'));
  writeFileSync(at('san'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('san')];
  openssl('x509', '-req', '-days', '2', '-in', at('server.csr'), ...signed, '-out', at('server.pem'));
  return {
    ca: readFileSync(at('ca.pem'), 'utf8'),
    caFile: at('ca.pem'),
    certificateFile: at('server.pem'),
    keyFile: at('server.key'),
  };
}
