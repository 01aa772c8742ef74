// A repository, and a worker's own set-up of git, that want programs to be run: none is.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryAddress } from '../../kit/repository-address.ts';
import { packagesIn } from '../support/providers/packages.ts';
import { writeTree } from './repository.suite.ts';
import { startGitServer } from '../support/servers/git-server.ts';
import type { GitServer } from '../support/servers/git-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-git-hostile-'));
const home = join(folder, 'home');
const mark = join(folder, 'executed');
const before = process.env.HOME;
let server: GitServer;

const program = { program: `#!/bin/sh\necho "$0" >> ${mark}\nexit 1\n` };
const hooks = ['post-checkout', 'post-merge', 'reference-transaction', 'pre-auto-gc', 'post-index-change'];

const inRepository = {
  '.gitattributes': '* filter=evil diff=evil merge=evil\n',
  '.gitmodules': `[submodule "x"]\n\tpath = x\n\turl = ext::touch% ${mark}\n\tupdate = !touch ${mark}\n`,
  '.gitconfig': `[core]\n\tfsmonitor = touch ${mark}\n`,
  '.lfsconfig': `[lfs]\n\turl = ext::touch% ${mark}\n`,
  VERSION: '1\n',
  'hooks/post-checkout': program,
};

const ofWorker = (url: string): string =>
  [
    `[core]\n\thooksPath = ${home}/hooks\n\tfsmonitor = ${home}/evil\n\tsshCommand = ${home}/evil`,
    `[filter "evil"]\n\tsmudge = ${home}/evil\n\tclean = ${home}/evil\n\trequired = true`,
    `[credential]\n\thelper = ${home}/evil\n[protocol]\n\tallow = always`,
    `[url "ext::${home}/evil "]\n\tinsteadOf = ${new URL(url).origin}\n`,
  ].join('\n');

beforeAll(async () => {
  server = await startGitServer();
  writeTree(join(folder, 'files'), inRepository);
  server.commit(join(folder, 'files'));
  const programs = Object.fromEntries(hooks.map((name) => [`hooks/${name}`, program]));
  writeTree(home, { ...programs, evil: program, '.gitconfig': ofWorker(server.url) });
  process.env.HOME = home;
});
afterAll(async () => {
  process.env.HOME = before;
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('git as the worker has it set up would run programs', () => {
  const clone = (url: string) =>
    spawnSync('git', ['clone', '--quiet', url, join(folder, 'clone')], { env: process.env, timeout: 60_000 });
  clone(server.url);
  expect(readFileSync(mark, 'utf8')).toContain(join(home, 'evil'));
  rmSync(mark);
  clone(`file://${server.root}/shop.git`);
  expect(readFileSync(mark, 'utf8')).toContain('reference-transaction');
  rmSync(mark);
});

test('a package is read without any filter, hook, helper or transport of theirs', async () => {
  const address = repositoryAddress('GIT', server.url);
  if (!address) throw new Error('not an address');
  const packages = packagesIn(mkdtempSync(join(folder, 'data-')));
  const found = await packages.fetch({ url: server.url, address, branch: 'main', credential: null }, '.');
  expect(found.entries).toBeGreaterThanOrEqual(Object.keys(inRepository).length);
  expect(existsSync(mark)).toBe(false);
});
