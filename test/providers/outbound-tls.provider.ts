// Calls over TLS: the server has to show a certificate that is valid for its name, of the given authority or a public one.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outbound } from '../../activities/providers/outbound.ts';
import { makeCertificates } from '../support/servers/account.ts';
import type { Certificates } from '../support/servers/account.ts';
import { debian } from '../support/servers/install.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-tls-'));
let server: Server;
let url: string;
let own: Certificates;
let other: Certificates;

beforeAll(async () => {
  await debian('/usr/bin/openssl', 'openssl');
  own = makeCertificates(mkdtempSync(join(folder, 'own-')));
  other = makeCertificates(mkdtempSync(join(folder, 'other-')));
  server = createServer(
    { key: readFileSync(own.keyFile), cert: readFileSync(own.certificateFile) },
    (_request, response) => response.end('here'),
  );
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  url = `https://localhost:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const call = (address: string, ca?: string) => outbound({ url: new URL(address), method: 'GET', ca });

test('a server with a certificate of the given authority is called', async () => {
  expect((await call(url, own.ca)).body.toString()).toBe('here');
});

test.each([
  ['of no public authority', () => call(url), /UNABLE_TO_VERIFY/],
  ['of another authority', () => call(url, other.ca), /UNABLE_TO_VERIFY/],
  ['for another name', () => call(url.replace('localhost', '127.0.0.2'), own.ca), /ALTNAME/],
])('a certificate %s is refused', async (_what, attempt, code) => {
  await expect(attempt()).rejects.toMatchObject({ code: expect.stringMatching(code) });
});
