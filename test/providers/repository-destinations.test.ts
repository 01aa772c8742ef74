import { createDestinations } from '../../activities/providers/repository/destinations.ts';
import { expectRefusal } from './runner.suite.ts';

const names: Record<string, string[]> = {
  'packages.example': ['10.1.2.3'],
  'rebound.example': ['10.1.2.3', '169.254.169.254'],
  'metadata.example': ['169.254.169.254'],
  'me.example': ['127.0.0.1'],
  'db.example': ['10.9.9.9'],
};
const lookup = async (host: string) => {
  const found = names[host];
  if (!found) throw new Error('no such name');
  return Promise.resolve(found.map((address) => ({ address })));
};
const own = [{ host: 'db.example', port: 5432 }];
const made = (...allow: string[]) => createDestinations({ allow, own, lookup });
const anything = ['0.0.0.0/0', '::/0'];

describe('where packages may come from', () => {
  test.each([
    '169.254.169.254',
    '100.100.100.200',
    '168.63.129.16',
    'fd00:ec2::254',
    'fe80::1',
    '::ffff:169.254.169.254',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    'metadata.example',
    'rebound.example',
  ])('%s is refused, whatever is allowed', async (host) => {
    await expectRefusal(made()('git', { host, port: 443 }), 'refused', 'SLIPWAY_REPOSITORY_ALLOW');
    await expectRefusal(made(...anything)('git', { host, port: 443 }), 'refused', 'SLIPWAY_REPOSITORY_ALLOW');
  });

  test('this machine is refused unless it is allowed', async () => {
    for (const host of ['127.0.0.1', '::1', '::ffff:127.0.0.1', 'me.example']) {
      await expectRefusal(made()('ftp', { host, port: 21 }), 'refused');
    }
    expect(await made('127.0.0.0/8')('ftp', { host: 'me.example', port: 21 })).toBe('127.0.0.1');
  });

  test("Slipway's own database is refused, another port of its machine is not", async () => {
    await expectRefusal(made(...anything)('ftp', { host: '10.9.9.9', port: 5432 }), 'refused');
    expect(await made()('ftp', { host: '10.9.9.9', port: 21 })).toBe('10.9.9.9');
  });

  test('with a list nothing else is spoken to; a name is connected to by the address that was checked', async () => {
    expect(await made('*.example')('ftp', { host: 'packages.example', port: 21 })).toBe('10.1.2.3');
    expect(await made('10.0.0.0/8')('ftp', { host: 'packages.example', port: 21 })).toBe('10.1.2.3');
    await expectRefusal(made('other.example')('ftp', { host: 'packages.example', port: 21 }), 'refused');
    await expectRefusal(made()('ftp', { host: 'nobody.example', port: 21 }), 'unavailable', 'resolved');
  });
});
