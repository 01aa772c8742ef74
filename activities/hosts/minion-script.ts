// Script that installs a host's minion, or fixes an existing one. Host-specific values are in its environment. Idempotent:
// keeps installed packages, replaces the drop-in, restarts the unresponsive minion. Its last line has the key's fingerprint
// in the form of `salt-call --local key.finger`: sha256 of the text between the first and last line. (In some versions the
// master's `key.finger` hashes other parts.)
import { asRoot } from './as-root.ts';

export const installMinion = `set -eu
${asRoot}umask 022
package() {
  if command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # What was cut short before must be brought to its end first.
    if command -v dpkg >/dev/null; then dpkg --configure -a </dev/null || :; fi
    apt-get -q update || echo "the lists of packages are those of before" >&2
    apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \\
      install salt-minion
  elif command -v dnf >/dev/null; then dnf -y install salt-minion
  elif command -v yum >/dev/null; then yum -y install salt-minion
  elif command -v zypper >/dev/null; then zypper --non-interactive install salt-minion
  else echo "there is none of apt-get, dnf, yum and zypper" >&2; return 1; fi
}
finger() { grep -v '^[[:space:]]*$' "$1" | sed '1d;$d' | tr -d '\\r' | sha256sum | cut -c 1-64 | sed 's/../&:/g;s/:$//'; }
is_minion() { tr '\\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q salt-minion; }
if ! command -v salt-minion >/dev/null; then
  package || { echo "salt-minion could not be installed: does the host know Salt's repository of packages?" >&2; exit 1; }
fi
# With its name to be, as it may keep what it finds for the minion.
config=$(salt-call --local --id="$SLIPWAY_MINION" --log-level=quiet --out=json config.items)
setting() { printf '%s\\n' "$config" | sed -n "s/^ \\{8\\}\\"$1\\": \\"\\(.*\\)\\",*$/\\1/p" | sed -n '\$p'; }
conf_file=$(setting conf_file) keys=$(setting pki_dir) pid_file=$(setting pidfile)
for path in "$conf_file" "$keys" "$pid_file"; do
  case "$path" in /*) continue ;; esac
  echo "salt-call does not say where the minion keeps its settings and keys; it prints:" >&2
  printf '%s\\n' "$config" | sed 20q >&2
  exit 1
done
drop_ins=$(dirname "$conf_file")/minion.d
mkdir -p "$drop_ins"
new=$(mktemp "$drop_ins/.slipway.XXXXXX")
printf "# written by Slipway\\nmaster: '%s'\\nid: '%s'\\nmaster_finger: '%s'\\n" \\
  "$SLIPWAY_MASTER" "$SLIPWAY_MINION" "$SLIPWAY_MASTER_FINGER" >"$new"
chmod 644 "$new"
mv -f "$new" "$drop_ins/slipway.conf"
# Else it would go on trusting a former master, and none but that.
known=$keys/minion_master.pub
if [ -e "$known" ] && [ "$(finger "$known")" != "$SLIPWAY_MASTER_FINGER" ]; then rm -f "$known"; fi
if [ -d /run/systemd/system ] && systemctl cat salt-minion.service >/dev/null 2>&1; then
  systemctl enable salt-minion.service
  systemctl restart salt-minion.service
elif [ -x /etc/init.d/salt-minion ]; then
  setsid /etc/init.d/salt-minion restart </dev/null >/dev/null 2>&1
else
  old=$(cat "$pid_file" 2>/dev/null || true)
  if [ -n "$old" ] && is_minion "$old"; then
    kill "$old"
    for _ in $(seq 100); do is_minion "$old" || break; sleep 0.2; done
    if is_minion "$old"; then kill -9 "$old"; fi
  fi
  # Nothing that it holds may keep this job from ending.
  setsid salt-minion -d </dev/null >/dev/null 2>&1
fi
for _ in $(seq 600); do
  if grep -q -- '-----END' "$keys/minion.pub" 2>/dev/null; then
    echo "the minion's key: $(finger "$keys/minion.pub")"
    exit 0
  fi
  sleep 0.2
done
echo "the minion has been started and has made no key; see its log" >&2
exit 1
`;
