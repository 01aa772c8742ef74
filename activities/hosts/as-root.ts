// Slipway's own work on a host that needs root and must come to an end: installing. Who comes as another user than root
// uses sudo, which must not ask for a password. What takes too long is ended on the host itself, by root, also while no
// worker looks: all of its process group gets TERM, and ten seconds later KILL. The same again is a new beginning.
import type { JobState, RunnerKind } from '../providers/runner/driver.ts';

const notAllowed = 77;
const tookTooLong = 124;

/**
 * How a bash script begins that takes `SLIPWAY_SECONDS` at most, as root where `SLIPWAY_ROOT` is `sudo`; of its environment
 * what begins with SLIPWAY_ comes along. Through a pipe: arguments are seen by everybody on the host, and kept in sudo's log.
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

/** What such a script is told; a host that is a folder is the worker's own, and needs no root. */
export const rootSettings = (runner: RunnerKind, seconds: number): Record<string, string> => ({
  SLIPWAY_ROOT: runner === 'local' ? '' : 'sudo',
  SLIPWAY_SECONDS: String(seconds),
});

/** Why a script that begins so has not installed `what`, for a person; undefined: it has. */
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
