# --- state of the job in $folder

# Sets state, code and signal.
find_state() {
  state=absent code=- signal=-
  read_mark "$folder/started/mark" || return 0
  # The result is read after the look at the launcher: it may have ended in between.
  if lives "$pid" "$born"; then state=running; else state=unknown; fi
  if [ -e "$folder/result" ]; then
    state=exited
    read -r code signal <"$folder/result"
  fi
}
# Sets notes to what has to be said of it, in base64.
find_notes() {
  notes=''
  if [ "$state" != absent ]; then
    notes=$(cat "$folder/started/notes"; echo .)
    notes=${notes%.}
  fi
  if [ "$state" = unknown ]; then
    notes="${notes}the launcher of the job died
"
    if read_mark "$folder/process" && lives "$pid" "$born"; then
      notes="${notes}its process $pid still runs, its end will not be known
"
    fi
  fi
  notes=$(text "$notes")
}
tell_state() {
  find_state
  find_notes
  done_with "$state $code $signal $notes"
}

# Waits so many ms for what the asker does not have, an end or more output, and from the first output on only $linger ms.
await_news() {
  left=$3 linger=$4 step=50
  while find_state; [ "$state" = running ] && [ "$left" -gt 0 ]; do
    find_sizes
    if [ "$sizes" != "$1 $2" ] && [ "$left" -gt "$linger" ]; then left=$linger; fi
    if [ "$step" = 50 ]; then sleep 0.05; else sleep 0.1; fi
    left=$((left - step)) step=100
  done
}
tell_view() {
  await_news "$1" "$2" "$4" "$5"
  find_notes
  done_with "$state $code $signal $notes$(tell_part stdout "$1" "$3")$(tell_part stderr "$2" "$3")"
}

# --- the job's side

# Whether somebody may still say something, such as a service that the job left running. Sets the marks of the readers.
is_read() {
  [ -e "$folder/readers" ] || return 1
  { read -r out out_born; read -r err err_born; } <"$folder/readers"
  lives "$out" "$out_born" || lives "$err" "$err_born"
}
# Waits until what was said so far is in the files: the readers have ended, or (a service holds the pipe) sleep in two
# looks between which the files have not grown. A service that never pauses is given up after 30 seconds.
settle() {
  looks=0 before=''
  while [ "$looks" -lt 1500 ]; do
    is_read || return 0
    now=''
    if is_idle "$out" "$out_born" && is_idle "$err" "$err_born"; then
      find_sizes
      now=$sizes
      if [ "$now" = "$before" ] || [ "$looks" -gt 100 ]; then return 0; fi
    fi
    before=$now looks=$((looks + 1))
    sleep 0.02
  done
}

# Sets run_uid, run_gid, run_home and run_name: the wanted user, else ourselves. Sets wrong to why they cannot be: nothing ever
# runs as another one. What follows the name says that they must not be root.
choose_user() {
  wanted=${1%% *} own=$(id -un) run_uid='' run_gid='' wrong='' found=''
  entry=$(getent passwd "$own") || entry=$own:x:0:0::${HOME:-/}:
  if [ -n "$wanted" ] && [ "$wanted" != "$own" ]; then
    case $wanted in *[!A-Za-z0-9_.-]* | [!A-Za-z_]*) ;; *) found=$(getent passwd "$wanted") ;; esac
    if [ -z "$found" ]; then
      wrong="there is no user $wanted on this host"
    elif [ "$(id -u)" != 0 ]; then
      wrong="nothing can run as $wanted on this host: $own is not root"
    else
      entry=$found
    fi
  fi
  IFS=: read -r run_name _ run_uid run_gid _ run_home _ <<EOF
$entry
EOF
  if [ "$1" != "$wanted" ] && [ -z "$wrong" ] && [ "$run_uid" = 0 ]; then wrong="$wanted is root on this host"; fi
  if [ "$run_name" = "$own" ]; then run_uid=''; fi
  run_home=${run_home:-/}
}

# What a job says goes through pipes, as on a terminal: a script's `> /dev/stderr` opens its stream anew, which would
# empty a plain file. A reader per stream, deaf to TERM, keeps it for as long as anybody holds the pipe.
open_pipe() {
  mkfifo -m 600 "$1" || return 1
  eval "exec 9<>\"\$1\" $2>\"\$1\" $3<\"\$1\" 9>&-"
  # Whoever has it may open it anew, also a user that the job changes to; by name nobody can reach it any more.
  rm -f "$1" && chmod 622 "/proc/self/fd/$2"
}
start_reader() {
  setsid /bin/sh "$agent" "$base" "$key" read "$folder" "$1" <&"$2" 3>&- 4>&- 5>&- 6>&- &
}
complain_of_reader() {
  if lives "$2" "$3"; then return 0; fi
  wait "$2"
  ended=$?
  [ "$ended" != 0 ] || return 0
  find_last stderr
  printf 'output of the step was lost, the reader of %s ended early: %s\n' "$1" "$(ending "$ended")" >>"$last"
}
ending() {
  if [ "$1" -gt 128 ]; then echo "SIG$(kill -l $(($1 - 128)))"; else echo "exit code $1"; fi
}

# The launcher: makes the pipes, is the first or leaves, runs the job and says how it ended.
launch() {
  trap : TERM INT HUP
  cd /
  IFS= read -r user <"$folder/user"
  open_pipe "$folder/stdout.$$" 3 5 && open_pipe "$folder/stderr.$$" 4 6 || exit 1
  choose_user "$user"
  if [ -n "$wrong" ]; then
    echo "$wrong"
    exit 1
  fi
  new=$(mktemp -d "$folder/.started.XXXXXX") || exit 1
  mark_of $$ >"$new/mark"
  : >"$new/notes"
  if ! mv -T "$new" "$folder/started" 2>/dev/null; then
    rm -rf "$new"
    echo started
    exit 0
  fi
  echo started
  exec >/dev/null
  run_job
}
run_job() {
  start_reader stdout 5
  out=$!
  start_reader stderr 6
  err=$!
  # Whoever waits for the readers must not take the shells that become them for others.
  out_mark=$(mark_of "$out") err_mark=$(mark_of "$err")
  printf '%s\n%s\n' "$out_mark" "$err_mark" >"$folder/readers"
  if [ -n "$run_uid" ]; then chown "$run_uid:$run_gid" "$folder/script"; fi
  # Everybody on the host sees arguments: whatever has a value goes through a file.
  printf '%s\n' "$run_uid" "$run_gid" "$run_home" "$run_name" >"$folder/as"
  # The first setsid makes the second a leader, so that it forks and waits: only it can tell a signal from an exit status.
  setsid setsid -w env -i /bin/sh "$agent" "$base" "$key" child "$folder" </dev/null 2>>"$folder/end" 5>&- 6>&-
  code=$? signal=-
  exec 3>&- 4>&- 5>&- 6>&-
  if grep -q 'did not exit normally' "$folder/end"; then signal=SIG$(kill -l $((code & 127))) code=-; fi
  rm -f "$folder/env"
  settle
  complain_of_reader stdout ${out_mark}
  complain_of_reader stderr ${err_mark}
  if [ -e "$folder/kill" ]; then
    code=-
    [ "$signal" != - ] || signal=SIGTERM
  fi
  sync "$folder"/stdout* "$folder"/stderr* 2>/dev/null
  printf '%s %s\n' "$code" "$signal" >"$folder/.result"
  sync "$folder/.result" 2>/dev/null
  mv -T "$folder/.result" "$folder/result"
}

# The leader of the job's group: says who it is, and becomes the script.
become_job() {
  mark_of $$ >"$folder/.process"
  mv -T "$folder/.process" "$folder/process"
  if [ -e "$folder/kill" ]; then exit 143; fi
  exec >&3 2>&4 3>&- 4>&-
  { IFS= read -r uid; IFS= read -r gid; IFS= read -r HOME; IFS= read -r USER; } <"$folder/as"
  cwd=$(cat "$folder/cwd"; echo .)
  unset LC_ALL
  export LANG=C.UTF-8 HOME USER "LOGNAME=$USER"
  set --
  while IFS= read -r line; do set -- "$@" "$line"; done <"$folder/interpreter"
  # By who runs in it: a link of theirs must not bring them where only root gets.
  set -- /bin/sh -c 'cd -- "$0" && unset OLDPWD && exec "$@"; exit 127' "${cwd%.}" "$@" "$folder/script"
  if [ -n "$uid" ]; then
    if as=$(command -v setpriv); then
      set -- "$as" "--reuid=$uid" "--regid=$gid" --init-groups -- "$@"
    elif as=$(command -v runuser); then
      set -- "$as" -u "$USER" -- "$@"
    else
      set -- su -s /bin/sh -c 'exec "$0" "$@"' "$USER" -- "$@"
    fi
  fi
  while IFS= read -r line; do
    decode "${line#*=}"
    export "${line%%=*}=$value"
  done <"$folder/env"
  rm -f "$folder/env"
  export SLIPWAY_HOST_ROOT=/ "SLIPWAY_STEPS_DIR=$steps"
  exec "$@"
}
