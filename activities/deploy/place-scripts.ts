// The user and the real path for Slipway's own scripts on hosts. An application's user may own folders that these scripts
// change, and could redirect root by a link. So root follows a path only through folders that root alone controls; from the
// first folder of the run user on, only the run user acts. Folders of other users are refused. Notes lie in a folder of the
// runner.

/** Sets the acting user: `user`, `uid`, `gid`, and `lowered` if it differs from the runner's own. */
export const runUser = `fail() { echo "$1" >&2; exit "\${failed:-1}"; }
own=$(id -un)
user=\${SLIPWAY_RUN_USER:-$own} lowered=''
if [ "$user" != "$own" ]; then
  case $user in *[!A-Za-z0-9_.-]* | [!A-Za-z_]*) fail "$user is no name of a user" ;; esac
  { uid=$(id -u "$user") && gid=$(id -g "$user"); } 2>/dev/null || fail "there is no user $user on this host"
  [ "$EUID" = 0 ] || fail "nothing can run as $user on this host: $own is not root"
  if [ "$uid" = 0 ] && [ -n "\${SLIPWAY_NEVER_ROOT:-}" ]; then fail "$user is root by another name"; fi
  lowered=yes
fi
# Runs a program as the run user.
act() {
  if [ -z "$lowered" ]; then "$@"
  elif command -v setpriv >/dev/null; then setpriv --reuid="$uid" --regid="$gid" --init-groups -- "$@"
  elif command -v runuser >/dev/null; then runuser -u "$user" -- "$@"
  else su -s /bin/sh -c 'exec "$0" "$@"' "$user" -- "$@"
  fi
}
base=$(cd -P "\${SLIPWAY_HOST_ROOT:-/}" && pwd -P) || exit 1
base=\${base%/}
outer=\${SLIPWAY_HOST_ROOT:-/} outer=\${outer%/}
# Whether a real path lies below one of some folders (one a line), which root may have led elsewhere.
is_below() {
  local root real
  case \${1#"$base"}/ in /proc/* | /sys/* | /dev/*) return 1 ;; esac
  while IFS= read -r root; do
    root=$base\${root#"$outer"}
    case $1 in "\${root%/}"/?*) return 0 ;; esac
  done <<< "$2"
  while IFS= read -r root; do
    root=$base\${root#"$outer"}
    real=$(cd -P "\${root:-/}" 2>/dev/null && pwd -P) || continue
    case $1 in "\${real%/}"/?*) return 0 ;; esac
  done <<< "$2"
  return 1
}
`;

/** Sets `real`, the path resolved as far as root alone controls it; `rest`, the remainder; `holder`, who controls that. */
const follow = `# Follows a path as far as nobody but root decides where it leads: sets real, rest and holder.
follow() {
  local name next uid_of mode group kind target open='' hops=0
  real=$base rest=$1 holder=root
  while rest=\${rest#"\${rest%%[!/]*}"}; [ -n "$rest" ]; do
    name=\${rest%%/*} next=$real/\${rest%%/*}
    case $name in
      .) rest=\${rest#.}; continue ;;
      ..)
        rest=\${rest#..}
        case $real in "$base"/*) real=\${real%/*} ;; *) fail "$next leads out of the host" ;; esac
        continue
        ;;
    esac
    read -r uid_of group mode kind <<< "$(stat -c '%u %g %a %F' -- "$next" 2>/dev/null)"
    [ -n "$uid_of" ] || return 0
    case $kind in
      'symbolic link')
        [ "$uid_of" = 0 ] || fail "$next is a link that others than root have set"
        hops=$((hops + 1))
        [ "$hops" -le 20 ] || fail "$next is a link that leads nowhere"
        target=$(readlink -- "$next")
        rest=$target/\${rest#"$name"}
        case $target in
          "$base"/*) real=$base rest=\${rest#"$base"} ;;
          /*) fail "$next leads out of the host" ;;
        esac
        continue
        ;;
      directory) ;;
      *) fail "$next is not a folder" ;;
    esac
    rest=\${rest#"$name"} real=$next
    if [ "$uid_of" != 0 ] && [ -z "$lowered" -o "$uid_of" != "\${uid:-0}" ]; then
      fail "$next belongs to another user: nobody but root and $user may own the folders of a deploy path"
    fi
    # Where it is sticky nobody takes away or leads elsewhere what root has put there.
    if [ $((0$mode & 01002)) -eq 2 ]; then fail "$next may be written by everybody"; fi
    if [ "$uid_of" != 0 ]; then holder=user; return 0; fi
    open=''
    if [ $((0$mode & 02)) -ne 0 ]; then open=$next; fi
    if [ $((0$mode & 01020)) -eq 16 ] && [ "$group" != 0 ]; then
      [ -n "$lowered" ] || fail "$next may be written by a group, and $user is root"
      holder=user
      return 0
    fi
  done
  [ -z "$open" ] || fail "$open may be written by everybody"
}
`;

/**
 * Sets `place`, the real deploy path, `rest`, its part that does not exist, and `holder`, who alone controls it: root, or
 * the run user.
 */
export const place = `${runUser}${follow}# The same where the runner is not root: nobody but itself acts, and it cannot reach what is not its own.
follow_as_user() {
  local path=$base$1
  holder=user real='' rest=''
  while ! real=$(cd -P "\${path:-/}" 2>/dev/null && pwd -P); do
    if [ -e "$path" ] || [ -L "$path" ]; then fail "$path is not a folder"; fi
    rest=/\${path##*/}$rest path=\${path%/*}
  done
  real=\${real%/}
}
find_place() {
  local path=\${SLIPWAY_DEPLOY_PATH#"$outer"}
  if [ "$EUID" = 0 ]; then follow "$path"; else follow_as_user "$path"; fi
  rest=\${rest%/}
  place=$real\${rest:+/\${rest#/}}
  is_below "$place" "$SLIPWAY_ROOTS" || fail "$SLIPWAY_DEPLOY_PATH is $place, out of the deploy roots $(echo $SLIPWAY_ROOTS)"
}
# Runs a script as who holds a folder, in this very folder, never where a link leads.
within() {
  local enter='cd -P -- "$0" && [ "$(pwd -P)" = "$0" ] || { echo "$0 is not the folder that it was, or cannot be entered" >&2; exit 1; }
'
  local folder=$1 script=$enter$2
  shift 2
  if [ "$holder" = root ]; then bash -euc "$script" "$folder" "$@"; else act bash -euc "$script" "$folder" "$@"; fi
}
state=$SLIPWAY_STEPS_DIR/t$SLIPWAY_TASK
release=$SLIPWAY_VERSION fresh=.slipway-$SLIPWAY_TASK-new former=.slipway-$SLIPWAY_TASK-old
# Makes the deploy path, which is the run user's then.
make_place() {
  local name
  [ -n "$rest" ] || return 0
  while [ "$holder" = root ] && [ -n "$rest" ]; do
    name=\${rest#/} name=\${name%%/*} rest=\${rest#/} rest=\${rest#"$name"}
    (umask 022 && mkdir -- "$real/$name") || exit 1
    real=$real/$name
    if [ -z "$rest" ] && [ -n "$lowered" ]; then chown -h "$uid:$gid" -- "$real" || exit 1; fi
  done
  if [ "$holder" = user ]; then act mkdir -p -- "$place" || exit 1; fi
  find_place
}
# Before Slipway kept what it notes elsewhere it lay in the deploy path, made by root: now it is for who holds that.
adopt() {
  local folder
  [ "$holder" = user ] && [ -n "$lowered" ] || return 0
  for folder in .slipway .slipway/tasks ".slipway/tasks/$SLIPWAY_TASK" .slipway/packages; do
    (
      cd -P -- "$place/$folder" && [ "$(/bin/pwd)" = "$place/$folder" ] && [ "$(stat -c %u .)" = 0 ] && chown "$uid:$gid" .
    ) 2>/dev/null || :
  done
}
`;

/**
 * Reads the pid file at its real path within its roots: as root where root alone controls the path, else as the run user.
 */
export const readPidFile = `${follow}
is_roots() (
  follow "\${1#"$base"}" 2>/dev/null
  [ "$holder" = root ] && [ -z "$rest" ]
)
read_pid_file() {
  file=$(readlink -f -- "$SLIPWAY_PID_FILE") && is_below "$file" "$SLIPWAY_PID_ROOTS" ||
    fail "$SLIPWAY_PID_FILE is $file, out of the folders for pid files"
  if act test -r "$file"; then
    content=$(act head -c 4096 -- "$file" | tr -s '\\000[:space:]' '\\n')
  elif [ -r "$file" ] && is_roots "\${file%/*}"; then
    content=$(head -c 4096 -- "$file" | tr -s '\\000[:space:]' '\\n')
  elif [ -e "$file" ]; then
    fail "$SLIPWAY_PID_FILE cannot be read"
  else
    content=''
  fi
}
`;
