import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { startHostReads } from '../../activities/host-reads/serve.ts';
import type { Runner } from '../../activities/providers/runner/driver.ts';
import { createLocalRunner } from '../../activities/providers/runner/local.ts';
import { localHostFolder } from '../../kit/host-path.ts';
import { createLogger } from '../../kit/log.ts';
import type { TestUser } from '../support/api/app.ts';
import { refusal } from '../support/api/inventory.ts';
import { makeEstate, testWorld } from '../support/world.ts';
import type { TestEstate, World } from '../support/world.ts';

interface Log {
  content: string;
  length: number;
  total_length: number;
  position: number;
  lines?: number;
}

const logPath = '/var/log/web/out.log';
const log = createLogger({ logLevel: 'error' }, 'test');

let world: World;
let estate: TestEstate;
let readsOnHosts: { stop(): Promise<void> };
let bytesRead = 0;

/** The local runner, counting the bytes read from files. */
function counted(runner: Runner): Runner {
  return new Proxy(runner, {
    get(target, name) {
      if (name !== 'readBlock') return (Reflect.get(target, name) as () => unknown).bind(target);
      return async (...given: Parameters<Runner['readBlock']>) => {
        const block = await target.readBlock(...given);
        bytesRead += block.data.length;
        return block;
      };
    },
  });
}

beforeAll(async () => {
  world = await testWorld({ workers: 0 });
  estate = await makeEstate(world, 1);
  await world.db
    .updateTable('applications')
    .set({ stdoutPath: logPath })
    .where('id', '=', estate.applicationId)
    .execute();
  const local = counted(createLocalRunner({ dataDir: world.config.dataDir }));
  readsOnHosts = startHostReads({
    hostAdmission: 'manage',
    db: world.db,
    databaseUrl: world.database.url,
    runners: { local },
    log,
  });
});
afterAll(async () => {
  await readsOnHosts.stop();
  await world.close();
});

const onHost = (path: string): string => join(localHostFolder(world.config.dataDir, estate.hostnames[0] ?? ''), path);

function write(content: string | Buffer, path = logPath): void {
  mkdirSync(dirname(onHost(path)), { recursive: true });
  rmSync(onHost(path), { force: true });
  writeFileSync(onHost(path), content);
}

const address = (segment = 'instances'): string =>
  `/applications/${estate.applicationId}/${segment}/${estate.instanceIds[0]}/log/`;
const look = (query = '', by: TestUser = estate.manager) => by.get<Log>(`${address()}?${query}`);
const seen = async (query = ''): Promise<Log> => {
  const { status, body } = await look(query);
  expect([status, body]).toEqual([200, expect.anything()]);
  return body;
};

describe('by bytes', () => {
  test('a read without positions returns the first 8192 bytes, and reading on by position the rest', async () => {
    const text = 'zeile 漢字\n'.repeat(1000);
    write(text);
    const first = await seen();
    expect(first).toMatchObject({ total_length: Buffer.byteLength(text), length: first.position });
    expect(Math.abs(first.length - 8192)).toBeLessThanOrEqual(3);
    expect(first).not.toHaveProperty('lines');
    let read = first.content;
    for (let at = first.position; at < first.total_length;) {
      const { content, position } = await seen(`from_position=${at}&mode=%20bytes`);
      read += content;
      at = position;
    }
    expect(read).toBe(text);
  });

  test('from the end it goes forward; a truncated file shows by a position before the one sent', async () => {
    write('0123456789');
    expect(await seen('from_last_position=4&block_size=3')).toEqual({
      content: '678',
      length: 3,
      total_length: 10,
      position: 9,
    });
    expect(await seen('from_last_position=0')).toMatchObject({ content: '', length: 0, position: 10 });
    write('new');
    expect(await seen('from_position=10')).toEqual({ content: '', length: 0, total_length: 3, position: 3 });
    write('');
    expect(await seen()).toEqual({ content: '', length: 0, total_length: 0, position: 0 });
  });

  test('of 2 GB costs the block and a few bytes', async () => {
    write('');
    truncateSync(onHost(logPath), 2 * 1024 ** 3);
    bytesRead = 0;
    const { content, total_length: total } = await seen('from_last_position=8192&block_size=4096');
    expect([content, total]).toEqual(['\0'.repeat(4096), 2 * 1024 ** 3]);
    expect(bytesRead).toBeLessThanOrEqual(4096 + 10);
  });

  test('each invalid byte becomes U+FFFD', async () => {
    write(Buffer.from([0x61, 0xff, 0xe6, 0xbc, 0x62, 0]));
    expect(await seen()).toMatchObject({ content: 'a\u{fffd}\u{fffd}\u{fffd}b\0', length: 6 });
  });
});

describe('by lines', () => {
  test('from either end, saying how many came and where to read on', async () => {
    write('one\r\ntwo\nthree');
    expect(await seen('mode=lines')).toEqual({
      content: 'one\r\ntwo\nthree',
      length: 14,
      total_length: 14,
      position: 14,
      lines: 3,
    });
    expect(await seen('mode=lines&from_lines=1&lines=1')).toMatchObject({ content: 'two\n', position: 9, lines: 1 });
    expect(await seen('mode=lines&latest_lines=2')).toMatchObject({ content: 'two\nthree', position: 14, lines: 2 });
    expect(await seen('mode=lines&latest_lines_offset=2')).toMatchObject({ content: 'one\r\n', position: 5, lines: 1 });
    expect(await seen('mode=lines&from_lines=3')).toMatchObject({ content: '', position: 14, lines: 0 });
    expect(await seen('mode=lines&latest_lines_offset=3')).toMatchObject({ content: '', position: 0, lines: 0 });
  });

  test('of 2 GB without an end of line cost their MiB, and what is too far away is refused', async () => {
    write('');
    truncateSync(onHost(logPath), 2 * 1024 ** 3);
    bytesRead = 0;
    expect(await seen('mode=lines')).toMatchObject({ length: 1024 * 1024, lines: 1 });
    expect(bytesRead).toBeLessThanOrEqual(1024 * 1024 + 10);
    const far = await look('mode=lines&from_lines=1');
    expect([...refusal(far), far.body]).toEqual([
      409,
      10005,
      expect.objectContaining({ message: expect.stringContaining('use bytes') }),
    ]);
  });
});

describe('parameters', () => {
  beforeAll(() => write('text\n'));

  test.each([
    ['from_position=0&from_last_position=0', 'from_last_position'],
    ['from_position=-1', 'from_position'],
    ['from_position=', 'from_position'],
    ['from_position=1.5', 'from_position'],
    ['from_position=1e3', 'from_position'],
    ['block_size=0', 'block_size'],
    ['block_size=1048577', 'block_size'],
    ['mode=pages', 'mode'],
    ['mode=lines&lines=0', 'lines'],
    ['mode=lines&lines=10001', 'lines'],
    ['mode=lines&latest_lines=x', 'latest_lines'],
    ['mode=lines&from_lines=0&latest_lines=1000', 'latest_lines'],
    ['mode=lines&lines=5&latest_lines_offset=0', 'latest_lines_offset'],
    ['log_type=stderr', 'log_type'],
    ['surprise=1', 'surprise'],
  ])('%s is refused', async (query, field) => {
    expect(refusal(await look(query))).toEqual([400, 10001, field]);
  });

  test('of the other mode have no effect and are not checked', async () => {
    expect(await seen('mode=lines&block_size=x&from_position=-5&from_last_position=1')).toMatchObject({ lines: 1 });
    expect(await seen('lines=0&latest_lines=9&from_lines=z')).toMatchObject({ content: 'text\n' });
  });
});

describe('refusals', () => {
  const setPath = (path: string, field: 'stdoutPath' | 'stderrPath' = 'stderrPath') =>
    world.db
      .updateTable('applications')
      .set({ [field]: path })
      .where('id', '=', estate.applicationId)
      .execute();
  const error = () => look('log_type=error');

  test('no path is configured, the file is not there, is a folder, or cannot be one of the roots', async () => {
    await setPath('');
    const unset = await error();
    expect([...refusal(unset), unset.body]).toEqual([
      409,
      10005,
      expect.objectContaining({ message: 'the application has no stderr_path' }),
    ]);
    await setPath('/var/log/web/none.log');
    expect(refusal(await error())).toEqual([404, 10004]);
    await setPath('/var/log/web');
    expect(refusal(await error())).toEqual([409, 10005]);
    write('secret', '/etc/passwd');
    for (const path of ['/etc/passwd', '/etc/none', '/var/logs/x', '/var/log']) {
      await setPath(path);
      expect([path, ...refusal(await error())]).toEqual([path, 409, 10005]);
    }
  });

  test('links count by where they lead: within the roots they are read, out of them or of the host they are not', async () => {
    write('here', '/data/real.log');
    write('secret', '/etc/shadow');
    const link = (name: string, to: string): string => {
      rmSync(onHost(`/var/log/${name}`), { force: true });
      symlinkSync(to, onHost(`/var/log/${name}`));
      return `/var/log/${name}`;
    };
    await setPath(link('good.log', '../../data/real.log'));
    expect((await error()).body).toMatchObject({ content: 'here' });
    for (const path of [link('bad.log', '../../etc/shadow'), link('worse.log', '/etc/passwd')]) {
      await setPath(path);
      const answer = await error();
      expect([path, ...refusal(answer)]).toEqual([path, 409, 10005]);
      expect(JSON.stringify(answer.body)).not.toContain('secret');
    }
    await setPath(`${link('folder', '../../etc')}/shadow`);
    expect(refusal(await error())).toEqual([409, 10005]);
  });

  test('the deploy path is always a root', async () => {
    write('deployed', '/var/www/web/out.log');
    await setPath('/var/www/web/out.log');
    expect(refusal(await error())).toEqual([409, 10005]);
    const settings = world.db.updateTable('deploySettings').where('applicationId', '=', estate.applicationId);
    await settings.set({ deployPath: '/var/www/web' }).execute();
    expect((await error()).body).toMatchObject({ content: 'deployed' });
  });

  test('without view_app_log it is refused, of a hidden application or another instance nothing is found', async () => {
    const viewer = await world.user({ application: { [estate.applicationId]: ['view_app'] } });
    expect(refusal(await look('', viewer))).toEqual([403, 10003]);
    expect(refusal(await look('', await world.user()))).toEqual([404, 10004]);
    const other = await makeEstate(world, 1);
    const path = `/applications/${estate.applicationId}/instances/${other.instanceIds[0]}/log/`;
    expect(refusal(await estate.manager.get(path))).toEqual([404, 10004]);
  });

  test('a host without a folder is unreachable: 10008', async () => {
    const other = await makeEstate(world, 1);
    await world.db
      .updateTable('applications')
      .set({ stdoutPath: logPath })
      .where('id', '=', other.applicationId)
      .execute();
    rmSync(localHostFolder(world.config.dataDir, other.hostnames[0] ?? ''), { recursive: true });
    const path = `/applications/${other.applicationId}/instances/${other.instanceIds[0]}/log/`;
    expect(refusal(await other.manager.get(path))).toEqual([503, 10008]);
  });
});

test('the segment "instance" means the same', async () => {
  write('same');
  const { status, body } = await estate.manager.get<Log>(address('instance'));
  expect([status, body.content]).toEqual([200, 'same']);
});

test('concurrent readers all get a response, and nothing is left behind', async () => {
  write('line\n'.repeat(1000));
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => look(`from_position=${index * 5}`)));
  expect(answers.map(({ status, body }) => [status, body.position - body.length])).toEqual(
    answers.map((_, index) => [200, index * 5]),
  );
  expect(await world.db.selectFrom('hostReads').selectAll().execute()).toEqual([]);
});

test('a read without a worker is 10008 after ten seconds, and its request is withdrawn', async () => {
  await readsOnHosts.stop();
  const began = Date.now();
  expect(refusal(await look())).toEqual([503, 10008]);
  expect(Date.now() - began).toBeGreaterThanOrEqual(9_900);
  expect(await world.db.selectFrom('hostReads').selectAll().execute()).toEqual([]);
  const local = createLocalRunner({ dataDir: world.config.dataDir });
  readsOnHosts = startHostReads({
    hostAdmission: 'manage',
    db: world.db,
    databaseUrl: world.database.url,
    runners: { local },
    log,
  });
});
