import { hostAndPort, isBranchName, repositoryAddress } from '../../kit/repository-address.ts';

describe('the address of a repository', () => {
  test.each([
    'ext::sh -c "touch injected"',
    'ext::touch%20injected',
    'file:///etc',
    '/srv/shop.git',
    'git://example.com/shop.git',
    'fd::17',
    '--upload-pack=touch injected',
    '-oProxyCommand=touch',
    'ssh://-oProxyCommand=touch/shop.git',
    'git@-oProxyCommand=touch:shop.git',
    'git@example.com:-oProxyCommand=touch',
    'git@example.com:/-rf',
    'ssh://user@example.com/shop.git',
    'https://user:password@example.com/shop.git',
    'https://:password@example.com/shop.git',
    'https://@example.com/shop.git',
    'https://example.com/shop.git?x=1',
    'https://example.com/shop.git#main',
    'https://example.com\\@other.example/shop.git',
    'https://example.com:0/shop.git',
    'https://example.com/a b.git',
    'https://example.com/a\nb.git',
    'ftp://example.com/packages',
  ])('for GIT %j is refused', (url) => {
    expect(repositoryAddress('GIT', url)).toBeUndefined();
  });

  test.each([
    'ftp://user:password@example.com/',
    'https://example.com/',
    'ftp://-x.example/',
    'ftp://a b/',
    'ftp://h/?x',
  ])('for FTP %j is refused', (url) => {
    expect(repositoryAddress('FTP', url)).toBeUndefined();
  });

  test('is read the same way by all who connect by it', () => {
    const at = (type: 'FTP' | 'GIT', url: string) => {
      const address = repositoryAddress(type, url);
      return address && [address.scheme, hostAndPort(address), address.port, address.path];
    };
    expect(at('GIT', 'git@Example.com:shop.git')).toEqual(['ssh', 'example.com', 22, 'shop.git']);
    expect(at('GIT', 'https://[::1]:8443/shop.git')).toEqual(['https', '[::1]:8443', 8443, '/shop.git']);
    expect(at('FTP', 'ftps://example.com/a%20b/')).toEqual(['ftps', 'example.com', 990, '/a%20b/']);
    expect(at('FTP', 'sftp://example.com')).toEqual(['sftp', 'example.com', 22, '/']);
  });
});

test.each([
  '--upload-pack=touch',
  '-x',
  'a..b',
  'a b',
  'a:b',
  '@{-1}',
  '@',
  'a/.b',
  'a.lock',
  '/a',
  'a/',
  '',
  'a\nb',
  'a*',
])('the branch %j is refused', (branch) => {
  expect(isBranchName(branch)).toBe(false);
});

test.each(['main', 'release/1.0', 'feature_x-2'])('the branch %j is taken', (branch) => {
  expect(isBranchName(branch)).toBe(true);
});
