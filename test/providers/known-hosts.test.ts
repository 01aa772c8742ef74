import { PinnedKeys } from '../../activities/providers/ssh-known-hosts.ts';
import { knownHostsCases, one } from '../support/providers/known-hosts.ts';

describe('a file of host keys', () => {
  test.each(knownHostsCases)('with %s', (_what, name, lines, verdict) => {
    const pinned = new PinnedKeys(`${lines.join('\n')}\n`, [name]);
    expect([pinned.judge(one), pinned.types]).toEqual([
      verdict,
      verdict === 'known' || verdict === 'changed' ? ['ssh-ed25519'] : [],
    ]);
  });
});
