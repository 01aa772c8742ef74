// What git is known to say, word for word, and whether another try may help.
import { fetchFailure } from '../../activities/providers/repository/git/errors.ts';

const refused: [what: string, said: string, stderr: string][] = [
  [
    'a folder behind a web server',
    'no smart HTTP protocol',
    'fatal: dumb http transport does not support shallow capabilities',
  ],
  ['SHA-256 objects', 'SHA-256', 'fatal: mismatched algorithms: client sha1; server sha256'],
  ['SHA-256 objects, to an older git', 'SHA-256', "fatal: unknown object format 'sha256' specified by server"],
  [
    'SHA-256 objects behind a web server',
    'SHA-256',
    'fatal: http://h/r.git/info/refs not valid: could not determine hash algorithm; is this a git repository?',
  ],
  ['a web site', 'is no git repository', 'fatal: https://h/r/info/refs not valid: is this a git repository?'],
  [
    'a server that greets',
    'prints something before it speaks git',
    'fatal: protocol error: bad line length character: Welc',
  ],
  ['a server without shallow copies', 'the newest commit alone', 'fatal: Server does not support shallow clients'],
  [
    'a repository of another user',
    'belong to another one',
    "fatal: detected dubious ownership in repository at '/srv/r.git'\nfatal: Could not read from remote repository.",
  ],
  [
    'a name that is not in the certificate',
    'certificate',
    "fatal: unable to access 'https://h/r/': SSL: no alternative certificate subject name matches target host name 'h'",
  ],
  [
    'no TLS at this port',
    'does not speak TLS',
    "fatal: unable to access 'https://h/r/': error:0A00010B:SSL routines::wrong version number",
  ],
  [
    'no TLS at this port, by GnuTLS',
    'does not speak TLS',
    "fatal: unable to access 'https://h/r/': gnutls_handshake() failed: An unexpected TLS packet was received.",
  ],
  [
    'no common cipher',
    'no way to speak SSH',
    'Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa',
  ],
  [
    'a wrong key',
    'does not accept',
    'git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.',
  ],
  [
    'an account without a shell',
    'does not let this user',
    'This account is currently not available.\nfatal: Could not read from remote repository.',
  ],
  [
    'a repository that is gone',
    'no such repository',
    "fatal: unable to access 'https://h/r/': The requested URL returned error: 410",
  ],
  [
    'a method that is not allowed',
    'refuses the request',
    "fatal: unable to access 'https://h/r/': The requested URL returned error: 405",
  ],
  ['a git without HTTP', 'part of git', "git: 'remote-https' is not a git command. See 'git --help'."],
];
const unavailable: [what: string, said: string, stderr: string][] = [
  [
    'nobody who listens',
    "can't be reached",
    "fatal: unable to access 'http://h/r/': Failed to connect to h port 80 after 0 ms: Could not connect to server",
  ],
  ['an end in the middle', 'broke off', 'error: RPC failed; curl 18 transfer closed\nfatal: early EOF'],
  [
    'too many requests',
    "can't serve now",
    "fatal: unable to access 'https://h/r/': The requested URL returned error: 429",
  ],
  [
    'a server that is being restarted',
    "can't serve now",
    "fatal: unable to access 'https://h/r/': The requested URL returned error: 503",
  ],
  ['a full disk', 'no space left', 'fatal: cannot create directory at x: No space left on device'],
  [
    'a folder of the worker that is not writable',
    "can't make a copy",
    '/data/repositories/x.git: Permission denied\nslipway: no copy',
  ],
  [
    'words of a server',
    'broke off',
    'remote: this repository was redirected, certificate verification failed\nfatal: early EOF',
  ],
];

test.each(refused)('%s is refused, and says why', (_, said, stderr) => {
  expect(fetchFailure('h', 'main', stderr)).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(said) as string,
  });
});

test.each(unavailable)('%s may pass, and says what it is', (_, said, stderr) => {
  expect(fetchFailure('h', 'main', stderr)).toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining(said) as string,
  });
});
