// Maps git's errors to our own messages. Its text is not passed on: lines beginning with "remote:" are the server's, which
// may echo the request.
import { refused, unavailable } from '../../error.ts';
import type { ProviderError } from '../../error.ts';
import { InvalidPackageError } from '../refusal.ts';

interface Known {
  pattern: RegExp;
  refuses: boolean;
  text: string;
}

const knownHosts = 'SLIPWAY_REPOSITORY_KNOWN_HOSTS';
const final = (pattern: RegExp, text: string): Known => ({ pattern, refuses: true, text });
const passing = (pattern: RegExp, text: string): Known => ({ pattern, refuses: false, text });

/** In order of precedence: the most specific first. */
const known: readonly Known[] = [
  final(/slipway: git is not installed/, 'needs the git program, which is not on the worker'),
  final(/[Uu]nable to find remote helper|is not a git command/, 'needs a part of git that is not on the worker'),
  passing(/No space left on device|Disk quota exceeded/, "can't be kept: there is no space left, here or there"),
  passing(/slipway: no copy/, "can't be kept: the worker can't make a copy of it"),
  final(/Host key verification failed/, `shows a host key that is not in ${knownHosts}`),
  final(/[Uu]nable to negotiate with|no matching [a-z ]+ found/, 'and Slipway share no way to speak SSH'),
  final(
    /Permission denied \(|Permission denied, please|Authentication failed|returned error: 40[13]|Too many authentication failures/,
    'does not accept this user name with this password or key',
  ),
  final(/could not read (?:Username|Password)/, 'wants a user name and a password'),
  final(/error in libcrypto|Load key .*invalid format/, 'can not be asked with this key'),
  final(
    /(?:server )?certificate verification failed|SSL certificate problem|does not match target host|no alternative certificate subject name/i,
    'has a certificate that is not valid here; a private CA goes into SLIPWAY_REPOSITORY_CA_FILE',
  ),
  final(/wrong version number|unexpected TLS packet|packet length too long/i, 'does not speak TLS at this port'),
  final(/redirect|returned error: 30\d/i, 'sends to another address, which is not followed'),
  final(
    /dumb http transport/,
    'has only files, no smart HTTP protocol: serve the repository by git http-backend or a git server',
  ),
  final(
    /mismatched algorithms|[Uu]nknown object format|does not support algorithm|could not determine hash algorithm/,
    'has a repository of SHA-256 objects, which is not taken: only those of SHA-1 are',
  ),
  final(/dubious ownership/, 'does not serve this repository to this user: its files belong to another one there'),
  final(
    /[Rr]epository .*not found|does not appear to be a git repository|not a git repository|returned error: 4(?:04|10)/,
    'has no such repository, or does not show it to this user',
  ),
  final(
    /protocol error: bad (?:line length character|pack header)|protocol error: unexpected/,
    "prints something before it speaks git: a start file of that user's shell must print nothing",
  ),
  final(/valid .*info\/refs|info\/refs not valid|invalid server response|bad line length/, 'is no git repository'),
  final(/[Ss]erver does not (?:support|allow)/, 'does not serve what Slipway asks for: the newest commit alone'),
  final(/account is (?:currently )?not available|[Ii]nteractive .*shell/, 'does not let this user run git'),
  final(/transport '.*' not allowed/, 'is not spoken to in this way'),
  passing(/returned error: (?:408|425|429|5\d\d)/, "can't serve now"),
  final(/returned error: 4\d\d/, 'refuses the request'),
];

/** Git's own lines: those beginning with "remote:" are the server's, with arbitrary content. */
const ownWords = (stderr: string): string =>
  stderr
    .split('\n')
    .filter((line) => !line.startsWith('remote:'))
    .join('\n');

/** Maps the failure of a fetch. */
export function fetchFailure(where: string, branch: string, stderr: string): ProviderError {
  if (/couldn't find remote ref|Remote branch .* not found/.test(stderr)) {
    return new InvalidPackageError('missing', null, `${where} has no branch ${branch}`);
  }
  const words = ownWords(stderr);
  const found = known.find(({ pattern }) => pattern.test(words));
  if (!found) return unavailable('git', `${where} can't be reached, or broke off`);
  return (found.refuses ? refused : unavailable)('git', `${where} ${found.text}`);
}

/** Leftovers of another or killed process, or damage: a fresh copy helps. */
export const isDamaged = (stderr: string): boolean =>
  /Unable to create '.*\.lock'|bad object|object file .* is empty|shallow file has changed|invalid index-pack|unable to find [0-9a-f]{40}|did not send all necessary objects/.test(
    stderr,
  );
