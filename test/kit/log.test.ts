import { createLogger } from '../../kit/log.ts';

function loggerWithOutput() {
  const lines: string[] = [];
  const log = createLogger({ logLevel: 'trace' }, 'api', { write: (line: string) => void lines.push(line) });
  return { log, output: () => lines.join('') };
}

test('a line is JSON that says level, time, role and message', () => {
  const { log, output } = loggerWithOutput();
  log.info({ requestId: 'r1' }, 'hello');
  expect(JSON.parse(output())).toMatchObject({ level: 'info', role: 'api', requestId: 'r1', msg: 'hello' });
});

test.each([
  'authorization',
  'Cookie',
  'set-cookie',
  'password',
  'newPassword',
  'client_secret',
  'token',
  'private_key',
  'apiKey',
  'masterKey',
])('the field %s is never logged, at any depth, in lists, or in child loggers', (field) => {
  const { log, output } = loggerWithOutput();
  log.info({ [field]: 'hush-1', a: { b: { c: { [field]: 'hush-2' } } }, list: [{ [field]: { x: 'hush-3' } }] }, 'x');
  log
    .child({ [field]: 'hush-4' })
    .child({ request: { [field]: 'hush-5' } })
    .info('y');
  expect(output()).not.toContain('hush');
  expect(output()).toContain('[redacted]');
});

test('credentials in addresses are cut out of messages, fields and errors, and other fields of errors are left out', () => {
  const { log, output } = loggerWithOutput();
  const url = 'postgres://slipway:hush@127.0.0.1/slipway';
  log.info({ url }, `connecting to ${url}`);
  log.info('connecting to %s', url);
  log.error(new Error(`refused: ${url}`));
  log.error(
    { err: Object.assign(new Error('x', { cause: new Error(url) }), { code: 'E1', detail: 'row hush' }) },
    'failed',
  );
  expect(output()).not.toContain('hush');
  expect(output()).toContain('refused');
  expect(output()).toContain('E1');
});

test('what is not secret is logged as it is', () => {
  const { log, output } = loggerWithOutput();
  log.info({ taskId: '42', tokenCount: 3, when: new Date(0), nothing: null }, 'x');
  expect(JSON.parse(output())).toMatchObject({
    taskId: '42',
    tokenCount: 3,
    when: '1970-01-01T00:00:00.000Z',
    nothing: null,
  });
});
