// What git says, in our words. Its own text is not passed on: lines beginning with "remote:" are the server's, and a
// server may answer with what it was sent.
import { refused, unavailable } from '../../error.ts';
import type { ProviderError } from '../../error.ts';
import { PackageRefused } from '../refusal.ts';

interface Known {
  pattern: RegExp;
  refuses: boolean;
  text: string;
}

const knownHosts = 'SLIPWAY_REPOSITORY_KNOWN_HOSTS';
const known: readonly Known[] = [
  {
    pattern: /slipway: git is not installed/,
    refuses: true,
    text: 'needs the git program, which is not on the worker',
  },
  { pattern: /Host key verification failed/, refuses: true, text: `shows a host key that is not in ${knownHosts}` },
  {
    pattern: /Permission denied|Authentication failed|returned error: 40[13]|Too many authentication failures/,
    refuses: true,
    text: 'does not accept this user name with this password or key',
  },
  { pattern: /could not read (?:Username|Password)/, refuses: true, text: 'wants a user name and a password' },
  { pattern: /error in libcrypto|Load key .*invalid format/, refuses: true, text: 'can not be asked with this key' },
  {
    pattern: /(?:server )?certificate verification failed|SSL certificate problem|does not match target host/i,
    refuses: true,
    text: 'has a certificate that is not valid here; a private CA goes into SLIPWAY_REPOSITORY_CA_FILE',
  },
  { pattern: /redirect|returned error: 30\d/i, refuses: true, text: 'sends to another address, which is not followed' },
  {
    pattern:
      /[Rr]epository .*not found|does not appear to be a git repository|not a git repository|returned error: 404/,
    refuses: true,
    text: 'has no such repository, or does not show it to this user',
  },
  { pattern: /valid .*info\/refs|not valid: is this a git repository/, refuses: true, text: 'is no git repository' },
  {
    pattern: /protocol error: bad (?:line length character|pack header)|protocol error: unexpected/,
    refuses: true,
    text: "prints something before it speaks git: a start file of that user's shell must print nothing",
  },
  { pattern: /transport '.*' not allowed/, refuses: true, text: 'is not spoken to in this way' },
  { pattern: /returned error: (?:429|5\d\d)/, refuses: false, text: "can't serve now" },
];

/** Why a fetch failed. */
export function fetchFailure(where: string, branch: string, stderr: string): ProviderError {
  if (/couldn't find remote ref|Remote branch .* not found/.test(stderr)) {
    return new PackageRefused('missing', null, `${where} has no branch ${branch}`);
  }
  const found = known.find(({ pattern }) => pattern.test(stderr));
  if (!found) return unavailable('git', `${where} can't be reached, or broke off`);
  return (found.refuses ? refused : unavailable)('git', `${where} ${found.text}`);
}

/** What another process (or one that was ended) has left in the way, or damage: a new copy helps. */
export const isDamaged = (stderr: string): boolean =>
  /Unable to create '.*\.lock'|bad object|object file .* is empty|shallow file has changed|invalid index-pack|unable to find [0-9a-f]{40}|did not send all necessary objects/.test(
    stderr,
  );
