// Installation scripts that need root. Non-root users go through sudo (no password). After a time limit, root ends the
// process group on the host itself, also without a worker: TERM, and KILL ten seconds later. Safe to run again.
import { isFolder } from '../../workflows/hosts/contract.ts';
import type { RunnerName } from '../../workflows/hosts/contract.ts';
import type { JobState } from '../providers/runner/driver.ts';

const notAllowed = 77;
const tookTooLong = 124;

/**
 * Prologue of a bash script limited to `SLIPWAY_SECONDS`, as root if `SLIPWAY_ROOT` is `sudo`. Passes on SLIPWAY_ variables
 * through a pipe: arguments are visible to every user of the host and kept in sudo's log.
 */
export const asRoot = `if [ "\${1-}" = settings ]; then
  while IFS= read -r -d '' setting; do export "$setting"; done
  exec </dev/null
elif [ "$SLIPWAY_ROOT" = sudo ] && [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null && sudo -n bash -c : || {
    echo "$(id -un) is neither root on this host nor may become it with sudo -n" >&2
    exit ${notAllowed}
  }
  exec sudo -n bash "$0" settings < <(for name in "\${!SLIPWAY_@}"; do printf '%s\\0' "$name=\${!name}"; done)
fi
if [ -z "\${SLIPWAY_BOUNDED-}" ] && command -v timeout >/dev/null; then
  export SLIPWAY_BOUNDED=1
  exec timeout -k 10 "$SLIPWAY_SECONDS" bash "$0"
fi
# It waits for what it runs: else what takes no notice of TERM would be left alone, and not be killed.
trap 'exit ${tookTooLong}' TERM
`;

/** Environment of such a script. */
export const rootSettings = (runner: RunnerName, seconds: number): Record<string, string> => ({
  SLIPWAY_ROOT: isFolder(runner) ? '' : 'sudo',
  SLIPWAY_SECONDS: String(seconds),
});

/** Returns why such a script failed to install `what`, for a person; undefined: it succeeded. */
export function failedAsRoot({ state, exitCode, signal }: JobState, what: string, seconds: number): string | undefined {
  if (state === 'unknown') return `it is not known how the installation of ${what} ended`;
  if (exitCode === 0) return undefined;
  const failed = `${what} could not be installed`;
  if (exitCode === notAllowed)
    return (
      `${failed}: the user of its runner is not root there and sudo wants a password of him; ` +
      'allow him sudo without one (NOPASSWD: ALL), or have the runner come as root (SLIPWAY_SSH_USER)'
    );
  if (exitCode === tookTooLong || signal === 'SIGKILL')
    return `${failed}: it took longer than ${seconds} s and was ended`;
  return `${failed}; see the output of the task`;
}
