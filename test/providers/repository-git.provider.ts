import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Credential, RepositoryPlace } from '../../activities/providers/repository/driver.ts';
import { repositoryAddress } from '../../kit/repository-address.ts';
import { oddNames } from '../support/odd-names.ts';
import { packagesIn } from '../support/providers/packages.ts';
import { describeRepository, writeTree } from './repository.suite.ts';
import { expectRefusal } from './runner.suite.ts';
import { makeAccount, makeCertificates } from '../support/servers/account.ts';
import { debian } from '../support/servers/install.ts';
import { startGitServer } from '../support/servers/git-server.ts';
import { startRepositorySshd } from '../support/servers/repository-sshd.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-git-provider-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function gitPlace(url: string, credential: Credential | null, branch = 'main'): RepositoryPlace {
  const address = repositoryAddress('GIT', url);
  if (!address) throw new Error(`not an address: ${url}`);
  return { url, address, branch, credential };
}

const user = { username: 'ci user', password: 'pw"$(id)\\ x' };
const right: Credential = { type: 'PASSWORD', ...user };

describeRepository('git over https with a password', async () => {
  await debian('/usr/bin/openssl', 'openssl');
  const certificates = makeCertificates(folder);
  const server = await startGitServer({ user, certificates });
  const secret = 'not-the-password-4711';
  return {
    options: { ca: () => [certificates.ca] },
    fill: (files) => void server.commit(files),
    place: () => gitPlace(server.url, right),
    wrong: () => ({ place: gitPlace(server.url, { ...right, password: secret }), secret }),
    at: (port) => gitPlace(`https://localhost:${port}/shop.git`, right),
    connections: server.connections,
    stop: server.stop,
  };
});

describeRepository('git over ssh with a key', async () => {
  const account = makeAccount();
  const [server, sshd] = [await startGitServer(), await startRepositorySshd(account)];
  const other = makeAccount();
  const url = `ssh://localhost:${sshd.port}${server.root}/shop.git`;
  const key = { type: 'SSH_PRIVATE_KEY', username: account.username, privateKey: account.privateKey } as const;
  return {
    options: { knownHosts: () => sshd.knownHosts.replace(/:\d+/, ':*') + sshd.knownHosts },
    fill: (files) => {
      server.commit(files);
      execFileSync('chmod', ['755', server.root]);
      execFileSync('chown', ['-R', account.username, `${server.root}/shop.git`]);
    },
    place: () => gitPlace(url, key),
    wrong: () => ({ place: gitPlace(url, { ...key, privateKey: other.privateKey }), secret: other.privateKey }),
    at: (port) => gitPlace(`ssh://localhost:${port}${server.root}/shop.git`, key),
    connections: sshd.connections,
    stop: async () => {
      await sshd.stop();
      await server.stop();
      account.remove();
      other.remove();
    },
  };
});

describe('git', () => {
  test('follows no redirect, and takes no certificate that it does not know', async () => {
    const certificates = makeCertificates(folder);
    const other = await startGitServer();
    const server = await startGitServer({ certificates });
    const packages = packagesIn(mkdtempSync(join(folder, 'data-')), { ca: () => [certificates.ca] });
    const stranger = packagesIn(mkdtempSync(join(folder, 'data-')), {});
    await expectRefusal(stranger.fetch(gitPlace(server.url, null), '.'), 'refused', 'certificate');
    server.answer(302, { location: `${other.url}/info/refs?service=git-upload-pack` });
    await expectRefusal(packages.fetch(gitPlace(server.url, null), '.'), 'refused', 'not followed');
    expect(other.connections()).toBe(0);
    server.answer(503, {});
    await expectRefusal(packages.fetch(gitPlace(server.url, null), '.'), 'unavailable', "can't serve now");
    await server.stop();
    await other.stop();
  });

  test('a repository as plain files, and one of SHA-256, are refused in these words', async () => {
    const server = await startGitServer();
    writeTree(join(folder, 'any'), { a: 'x' });
    server.commit(join(folder, 'any'));
    const bare = join(server.root, 'shop.git');
    execFileSync('git', [`--git-dir=${bare}`, 'update-server-info']);
    const files = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      try {
        response.end(readFileSync(join(server.root, pathname)));
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const packages = packagesIn(mkdtempSync(join(folder, 'data-')));
    const plain = `http://localhost:${(files.address() as AddressInfo).port}/shop.git`;
    await expectRefusal(packages.fetch(gitPlace(plain, null), '.'), 'refused', 'no smart HTTP protocol');
    await new Promise((resolve) => files.close(resolve));
    const other = join(server.root, 'new.git');
    const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
    git('init', '--quiet', '--bare', '--object-format=sha256', '--initial-branch=main', other);
    const tree = execFileSync('git', [`--git-dir=${other}`, 'mktree'], { encoding: 'utf8', input: '' }).trim();
    const as = ['-c', 'user.name=t', '-c', 'user.email=t@example.com'];
    git(
      `--git-dir=${other}`,
      'update-ref',
      'refs/heads/main',
      git(`--git-dir=${other}`, ...as, 'commit-tree', '-m', 'x', tree),
    );
    await expectRefusal(packages.fetch(gitPlace(server.url.replace('shop', 'new'), null), '.'), 'refused', 'SHA-256');
    await server.stop();
  });

  test.each(oddNames)('takes a name as it is, or refuses it: $what', async ({ bytes, listed }) => {
    const server = await startGitServer();
    const files = mkdtempSync(join(folder, 'odd-'));
    writeFileSync(Buffer.concat([Buffer.from(`${files}/`), bytes]), 'x');
    server.commit(files);
    const packages = packagesIn(mkdtempSync(join(folder, 'data-')));
    const fetched = packages.fetch(gitPlace(server.url, null), '.');
    if (listed === null) await expectRefusal(fetched, 'refused', 'the name is not UTF-8');
    else {
      const args = ['-tf', (await fetched).tarPath, '--quoting-style=literal'];
      expect(execFileSync('tar', args, { encoding: 'utf8' })).toBe(`${listed}\n`);
    }
    await server.stop();
  });

  test('over ssh is refused in words where a start file of the shell prints something', async () => {
    const account = makeAccount();
    const [server, sshd] = [await startGitServer(), await startRepositorySshd(account)];
    writeFileSync(join(dirname(account.authorizedKeys), '.bashrc'), 'echo "Welcome to git"\n');
    const { username, privateKey } = account;
    execFileSync('chmod', ['755', server.root]);
    execFileSync('chown', ['-R', username, `${server.root}/shop.git`]);
    const place = gitPlace(`ssh://localhost:${sshd.port}${server.root}/shop.git`, {
      type: 'SSH_PRIVATE_KEY',
      username,
      privateKey,
    });
    const packages = packagesIn(mkdtempSync(join(folder, 'data-')), { knownHosts: () => sshd.knownHosts });
    await expectRefusal(packages.fetch(place, '.'), 'refused', 'prints something before it speaks git');
    await sshd.stop();
    await server.stop();
    account.remove();
  });

  test('a branch that is not there, a submodule, a file of LFS and a repository inside are refused', async () => {
    const server = await startGitServer();
    const files = join(folder, 'odd');
    const packages = packagesIn(mkdtempSync(join(folder, 'data-')));
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
    writeTree(files, { 'lfs/big.bin': pointer, 'plain/a\nb': 'x' });
    const commit = server.commit(files);
    await expectRefusal(packages.fetch(gitPlace(server.url, null, 'none'), '.'), 'refused', 'no branch none');
    await expectRefusal(packages.fetch(gitPlace(server.url, null), 'lfs'), 'refused', 'Git LFS');
    expect((await packages.fetch(gitPlace(server.url, null), 'plain')).entries).toBe(1);
    const bare = join(server.root, 'shop.git');
    const plumb = (...args: string[]): string =>
      execFileSync('git', [`--git-dir=${bare}`, ...args], { encoding: 'utf8' }).trim();
    const made = (line: string): string =>
      execFileSync('git', [`--git-dir=${bare}`, 'mktree', '--missing'], { encoding: 'utf8', input: line }).trim();
    const head = (tree: string): string =>
      plumb('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit-tree', '-m', 'x', tree);
    plumb('update-ref', 'refs/heads/sub', head(made(`160000 commit ${commit}\tlib\n`)));
    await expectRefusal(packages.fetch(gitPlace(server.url, null, 'sub'), '.'), 'refused', 'submodule');
    await server.stop();
  });
});
