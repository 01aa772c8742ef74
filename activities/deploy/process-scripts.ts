// Identifies the application's process in host scripts: the number in the pid file plus the start time, as numbers are
// reused. A process younger than the pid file reuses its number, unless Slipway's start command began it; one older than a
// start does not belong to it. Processes not yet in the pid file are found by `SLIPWAY_START` in their environment, and by
// descent. Without /proc the number alone decides.
import { readPidFile, runUser } from './place-scripts.ts';

/** Least number of seconds between Slipway's own signal to end and the kill. */
const graceSeconds = 5;

// A process is identified by pid and start (boot and ticks), so that a reused number is not mistaken for it.
const processes = `failed=4
${runUser}${readPidFile}boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)
# Sets born of a living process. A zombie does not live: in a container nobody may ever reap it.
look_at() {
  stat='' born=-
  { IFS= read -r -d '' stat < "/proc/$1/stat"; } 2>/dev/null
  if [ -z "$stat" ]; then
    [ ! -e /proc/self/stat ] && kill -0 "$1" 2>/dev/null
    return
  fi
  set -- \${stat##*) }
  case $1 in Z*|X*) return 1 ;; esac
  born=$boot:\${20}
}
# Sets number to the first number of the pid file, which may have several lines, blanks and CR.
read_number() {
  number=''
  [ -f "$SLIPWAY_PID_FILE" ] || return 1
  read_pid_file
  number=$(grep -m 1 -xE '[1-9][0-9]{0,9}' <<< "$content")
}
has_mark() {
  grep -qazxF -- "SLIPWAY_PID_FILE=$SLIPWAY_PID_FILE" "/proc/$1/environ" 2>/dev/null &&
    grep -qaF 'SLIPWAY_START=' "/proc/$1/environ" 2>/dev/null
}
is_younger_than_file() {
  began=$(sed -n 's/^btime //p' /proc/stat 2>/dev/null)
  if [ "$born" = - ] || [ -z "$began" ]; then return 1; fi
  hertz=$(getconf CLK_TCK 2>/dev/null) || hertz=100
  [ $((began + \${born##*:} / hertz)) -gt $(($(stat -c %Y "$file") + 5)) ]
}
# Sets pid and born to the application's process, or other to the number if that is another one's.
lives() {
  pid='' other=''
  read_number && look_at "$number" || return 1
  if is_younger_than_file && ! has_mark "$number"; then other=$number; return 1; fi
  pid=$number
}
# Whether the process of the last look began with the start or after it.
is_new() {
  if [ -z "\${SLIPWAY_SINCE:-}" ] || [ "$born" = - ] || [ "\${born%:*}" != "\${SLIPWAY_SINCE%:*}" ]; then return 0; fi
  [ "\${born##*:}" -ge "\${SLIPWAY_SINCE##*:}" ]
}
# Whether the very process still lives that was told to end.
told_lives() { [ -n "\${SLIPWAY_TOLD:-}" ] && look_at "\${SLIPWAY_TOLD% *}" && [ "$born" = "\${SLIPWAY_TOLD#* }" ]; }
# Sets now, in seconds that no change of the clock touches.
clock() {
  now=''
  { read -r now _ < /proc/uptime; } 2>/dev/null
  now=\${now%.*}
  [ -n "$now" ] || now=$(date +%s)
}
rounds=0
# Waits a moment, unless the time is up.
pause() {
  clock
  [ "$now" -lt "$1" ] || return 1
  rounds=$((rounds + 1))
  if [ "$rounds" -lt 50 ]; then sleep 0.1; else sleep 0.5; fi
}
`;

const families = `# Adds to all (pids between blanks) what descends from them.
add_children() {
  case $all in *' 1 '*) return ;; esac
  table=$(cat /proc/[0-9]*/stat 2>/dev/null | sed -nE 's/^([0-9]+) \\(.*\\) ([^ZX]) ([0-9]+) .*/\\1 \\3/p')
  grown=yes
  while [ -n "$grown" ]; do
    grown=''
    while read -r child parent; do
      case $all in *" $child "*) continue ;; esac
      case $all in *" $parent "*) all="$all$child " grown=yes ;; esac
    done <<LIST
$table
LIST
  done
}
# Sets all to the living processes that carry a mark of a start.
find_marked() {
  all=' '
  [ -n "\${SLIPWAY_STARTED:-}" ] || return 0
  for one in $(grep -lazxF -- "$SLIPWAY_STARTED" /proc/[0-9]*/environ 2>/dev/null); do
    one=\${one#/proc/} one=\${one%/environ}
    if look_at "$one"; then all="$all$one "; fi
  done
}
signal_all() {
  for one in $all; do kill -s "$1" "$one" 2>/dev/null; done
}
`;

/**
 * Prints, for Slipway alone: a word, the process and its start, and the time of the look as a start. Exits with 0 if the
 * application runs, 3 if nothing runs, 5 if a process of a start runs that the pid file does not name.
 */
export const look = `set -u
${processes}
${families}
look_at $$
now=$born
if lives; then echo "runs $pid $born $now"; exit 0; fi
find_marked
if [ "$all" != ' ' ]; then
  echo "of what was started still run:$all" >&2
  exit 5
fi
if [ -n "$other" ]; then echo "other $other - $now"; else echo "none - - $now"; fi
exit 3
`;

/** Fails unless the process of a start comes up within the time and is still there a second later. */
export const checkLives = `set -u
${processes}
clock
until=$((now + SLIPWAY_SECONDS))
while :; do
  if lives && is_new; then
    first="$pid $born"
    sleep 1
    if lives && [ "$pid $born" = "$first" ]; then echo "process $pid runs"; exit 0; fi
    if [ -z "$pid" ]; then echo "process \${first% *} ended right after its start" >&2; exit 1; fi
  fi
  pause "$until" || break
done
if [ -n "$other" ]; then
  why="process $other is younger than the file, so it is another one's"
elif [ -n "$pid" ]; then
  why="process $pid is older than the start, so it is not what was started"
else
  why='none'
fi
echo "no process of $SLIPWAY_PID_FILE runs within $SLIPWAY_SECONDS s: $why" >&2
exit 1
`;

/** Fails unless the process being stopped ends within the time, with no other process of the application in its place. */
export const checkGone = `set -u
${processes}
clock
until=$((now + SLIPWAY_SECONDS))
while :; do
  if told_lives; then left=\${SLIPWAY_TOLD% *}; elif lives; then left=$pid; else exit 0; fi
  pause "$until" || break
done
echo "process $left of $SLIPWAY_PID_FILE still runs after $SLIPWAY_SECONDS s" >&2
exit 1
`;

/** Waits until the process being stopped ends; after the time, kills it and its descendants. */
export const endTold = `set -u
${processes}
${families}
wait_for_end() {
  clock
  until=$((now + $1))
  while told_lives; do pause "$until" || return 1; done
}
wait_for_end "$SLIPWAY_SECONDS" && exit 0
pid=\${SLIPWAY_TOLD% *}
all=" $pid "
add_children
echo "process $pid was told to end and has not within the time: it is killed"
kill -s TERM "$pid" 2>/dev/null
wait_for_end ${graceSeconds}
signal_all KILL
wait_for_end ${graceSeconds} || { echo "process $pid cannot be ended" >&2; exit 1; }
`;

/**
 * Ends all processes of a start, in the pid file or not. A process that the stop command signalled gets its time; the others
 * are signalled at once. Kills the remainder.
 */
export const endStarted = `set -u
${processes}
${families}
shown() { [ -n "\${SLIPWAY_SINCE:-}" ] && lives && is_new; }
find_started() {
  find_marked
  is_shown=''
  if shown; then is_shown=yes; case $all in *" $pid "*) ;; *) all="$all$pid " ;; esac; fi
  [ "$all" != ' ' ] || return 1
  add_children
}
if [ -n "\${SLIPWAY_LEAVE_SHOWN:-}" ] && shown; then exit 0; fi
told=' '
tell() {
  fresh=''
  for one in $all; do
    case $told in *" $one "*) ;; *) kill -s TERM "$one" 2>/dev/null && fresh="$fresh $one"; told="$told$one " ;; esac
  done
  [ -z "$fresh" ] || echo "of this start still run, and are told to end:$fresh"
}
clock
until=$((now + SLIPWAY_SECONDS))
while find_started; do
  if [ -z "$is_shown" ] || [ -z "\${SLIPWAY_STOPPED:-}" ]; then tell; fi
  pause "$until" || break
done
find_started || exit 0
echo "of this start still run after $SLIPWAY_SECONDS s, and are killed:$all"
clock
until=$((now + ${graceSeconds}))
while find_started; do signal_all KILL; pause "$until" || break; done
find_started || exit 0
echo "of this start cannot be ended:$all" >&2
exit 1
`;
