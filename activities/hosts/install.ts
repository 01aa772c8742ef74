// Installs a shipped package, which the host downloads itself. User input is in the environment, never in the script.
// Unpacks completely before replacing the previous content. Idempotent.
import type { TaskPackageRow } from '../../db/hosts/tables.ts';
import { isFolder } from '../../workflows/hosts/contract.ts';
import type { Runner } from '../providers/runner/driver.ts';
import { asRoot, failedAsRoot, rootSettings } from './as-root.ts';
import { refusedBy } from './host-task-error.ts';
import { bash, jobIdOf, runOwn } from './host-work.ts';
import type { HostWork } from './host-work.ts';

/**
 * The source is not passed as an argument, which every user of the host could read along with its token; salt:// has no
 * token.
 */
export const fetchIt = `fetch() {
  case "$SLIPWAY_SOURCE" in
    salt://*) salt-call --out=quiet cp.get_file "$SLIPWAY_SOURCE" "$file" makedirs=True && [ -f "$file" ] ;;
    http://*|https://*)
      if command -v curl >/dev/null; then
        printf 'url = "%s"\\n' "$(printf %s "$SLIPWAY_SOURCE" | sed 's/[\\"]/\\\\&/g')" |
          curl --fail --silent --show-error --location --max-redirs 5 --proto '=http,https' --retry 3 \\
            --connect-timeout 10 --max-time "$SLIPWAY_SECONDS" --output "$file" --config -
      else
        printf '%s\\n' "$SLIPWAY_SOURCE" | wget --quiet --tries=3 --timeout=30 -O "$file" -i -
      fi ;;
    /*) cat <"$SLIPWAY_SOURCE" >"$file" ;;
    *) echo "no such kind of source" >&2; return 1 ;;
  esac
}
`;

const script = `set -eu
${asRoot}umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
file="$work/package"
place="$SLIPWAY_OPT/$SLIPWAY_NAME"
kept="$SLIPWAY_OPT/.$SLIPWAY_NAME.sha256"
is_there() {
  [ "$SLIPWAY_TYPE" != rpm ] && [ -d "$place" ] && [ "$(cat "$kept" 2>/dev/null)" = "$1" ] || return 1
  echo "$SLIPWAY_NAME is in $place already"
}
if [ -n "$SLIPWAY_SHA256" ] && is_there "$SLIPWAY_SHA256"; then exit 0; fi
${fetchIt}
fetch || { echo "$SLIPWAY_NAME could not be fetched" >&2; exit 1; }
found=$(sha256sum "$file" | cut -d ' ' -f 1)
if [ -n "$SLIPWAY_SHA256" ] && [ "$found" != "$SLIPWAY_SHA256" ]; then
  echo "the checksum of $SLIPWAY_NAME is $found, not $SLIPWAY_SHA256" >&2
  exit 1
fi
if is_there "$found"; then exit 0; fi
if [ "$SLIPWAY_TYPE" = rpm ]; then
  mv "$file" "$work/package.rpm"
  if command -v dnf >/dev/null; then dnf install -y "$work/package.rpm"
  elif command -v yum >/dev/null; then yum install -y "$work/package.rpm"
  elif command -v zypper >/dev/null; then zypper --non-interactive install --allow-unsigned-rpm "$work/package.rpm"
  else rpm -U --replacepkgs "$work/package.rpm"; fi
  exit 0
fi
mkdir -p "$SLIPWAY_OPT"
new="$SLIPWAY_OPT/.$SLIPWAY_NAME.new-$SLIPWAY_TASK"
old="$SLIPWAY_OPT/.$SLIPWAY_NAME.old-$SLIPWAY_TASK"
rm -rf "$new" "$old"
mkdir "$new"
case "$SLIPWAY_TYPE" in
  tar.gz) tar -xzf "$file" -C "$new" --no-same-owner ;;
  zip)
    if command -v unzip >/dev/null; then unzip -q "$file" -d "$new"
    else python3 -m zipfile -e "$file" "$new"; fi ;;
esac
rm -f "$kept"
if [ -e "$place" ] || [ -L "$place" ]; then mv "$place" "$old"; fi
mv "$new" "$place" || { [ -e "$old" ] && mv "$old" "$place"; exit 1; }
printf '%s\\n' "$found" >"$kept"
rm -rf "$old"
echo "$SLIPWAY_NAME is in $place"
`;

/** Installs a package once, however often called; throws HostTaskError when the host refuses. */
export async function install(work: HostWork, runner: Runner, one: TaskPackageRow): Promise<void> {
  const { at, host, taskId } = work;
  const { name, type, source, sha256, seq } = one;
  const label = one.version === '' ? name : `${name} ${one.version}`;
  if (isFolder(host.runner) && type === 'rpm')
    throw refusedBy('runner', `${label}: an rpm cannot be installed on a host that is a folder`);
  if (source.startsWith('salt://') && host.runner !== 'salt')
    throw refusedBy('runner', `${label}: only hosts with the runner "salt" can fetch ${source}`);
  const seconds = work.deps.hostInstallSeconds;
  const env = {
    ...rootSettings(host.runner, seconds),
    SLIPWAY_NAME: name,
    SLIPWAY_TYPE: type,
    SLIPWAY_SOURCE: source.startsWith('/') ? runner.path(at, source) : source,
    SLIPWAY_SHA256: sha256 ?? '',
    SLIPWAY_OPT: runner.path(at, '/opt'),
    SLIPWAY_TASK: String(taskId),
  };
  const job = { id: jobIdOf(work, `package-${seq}`), script: bash(script), env };
  const failed = failedAsRoot(await runOwn(work, runner, `package ${name}`, job), label, seconds);
  if (failed !== undefined) throw refusedBy('runner', failed);
}
