# --- operations on jobs

# Sets new to a folder that keep_new makes the job's own, unless somebody else has made one.
make_new() {
  mkdir -p "$jobs" || fail 'the folder of jobs cannot be made'
  chmod 711 "$base" "$base/jobs" "$jobs" 2>/dev/null
  new=$(mktemp -d "$jobs/.new.XXXXXX") || fail 'the folder of the job cannot be made'
  chmod 711 "$new"
}
keep_new() {
  sync "$new" 2>/dev/null
  mv -T "$new" "$folder" 2>/dev/null || rm -rf "$new"
}

job_start() {
  decode "$2"; interpreter=$value
  decode "$3"; user=$value
  decode "$4"; cwd=$value
  decode "$5"; condition=$value
  decode "$6"; if [ -n "$condition" ] && [ ! -d "$condition" ]; then cwd=$value; fi
  if [ ! -e "$folder/started" ]; then
    choose_user "$user"
    [ -z "$wrong" ] || refuse "$wrong"
  fi
  if [ ! -d "$folder" ]; then
    [ -d "$cwd" ] || refuse "$cwd is not a folder on the host"
    make_new
    (
      umask 077
      printf '%s\n' "$interpreter" >"$new/interpreter" && printf '%s\n' "$user" >"$new/user" &&
        printf '%s' "$cwd" >"$new/cwd" && printf '%s\n' "${7#=}" >"$new/limit" &&
        printf '%s' "${8#=}" | base64 -d >"$new/script" &&
        : >"$new/stdout" && : >"$new/stderr" && : >"$new/end" || exit 1
      shift 8
      for field; do printf '%s\n' "${field#=}"; done >"$new/env"
    ) || fail 'the job could not be written'
    sync "$new/script" 2>/dev/null
    keep_new
  fi
  if [ ! -e "$folder/started" ]; then
    # It forks, as the first setsid makes it a leader; a background command of the shell would be deaf to INT for good.
    said=$(setsid setsid /bin/sh "$agent" "$base" "$key" launch "$folder" </dev/null 2>>"$folder/launcher.log")
    [ -e "$folder/started" ] || fail "the job could not be started: ${said}$(tail -n 1 "$folder/launcher.log")"
  fi
}
job_look() { tell_view "${2#=}" "${3#=}" "${4#=}" "${5#=}" "${6#=}"; }
# The fields of a look, then those of a start.
job_run() {
  id=$1 out=${2#=} err=${3#=} limit=${4#=} wait=${5#=} linger=${6#=}
  shift 6
  job_start "$id" "$@"
  tell_view "$out" "$err" "$limit" "$wait" "$linger"
}

job_output() {
  case $2 in =stdout) stream=stdout ;; *) stream=stderr ;; esac
  [ -e "$folder/$stream" ] || refuse "there is no job ${1#=}"
  answer "ok$(tell_part "$stream" "${3#=}" "${4#=}")"
}

is_over() {
  find_state
  [ "$state" != running ] || return 1
  if read_mark "$folder/process" && group_lives "$pid" "$born"; then return 1; fi
}
wait_until_over() {
  rounds=$(($1 / 50 + 1))
  while ! is_over; do
    [ "$rounds" -gt 0 ] || return 1
    rounds=$((rounds - 1))
    sleep 0.05
  done
}
end_group() {
  for name in TERM KILL; do
    if read_mark "$folder/process"; then signal_group "$name" "$pid" "$born"; fi
    if [ "$name" = TERM ]; then patience=$1; else patience=5000; fi
    if wait_until_over "$patience"; then return 0; fi
  done
  fail 'the job does not end, though killed'
}
# Makes the folder of a job that was killed before anybody started it: whoever comes to start it finds it over.
bar_job() {
  make_new
  (
    umask 077
    mkdir "$new/started" && mark_of $$ >"$new/started/mark" && : >"$new/started/notes" &&
      echo '- SIGTERM' >"$new/result" && : >"$new/stdout" && : >"$new/stderr" && : >"$new/kill" && : >"$new/killed"
  ) || fail 'the job could not be written'
  keep_new
}
# A kill that was cut short is carried through by the next one.
job_kill() {
  [ -d "$folder" ] || bar_job
  asked=''
  [ ! -e "$folder/kill" ] || asked=yes
  find_state
  if [ -e "$folder/killed" ]; then done_with over; fi
  if [ "$state" = exited ] && [ -z "$asked" ]; then done_with over; fi
  : >"$folder/kill"
  find_state
  # Its launcher has yet to come, and will see that it has been killed.
  if [ "$state" = absent ]; then done_with over; fi
  # It may have ended by itself meanwhile: what it left running (a service) is then none of our business.
  if [ "$state" != exited ] || [ "$signal" != - ]; then
    end_group "${2#=}"
    settle
  fi
  : >"$folder/killed"
  done_with over
}

job_forget() {
  find_state
  [ "$state" != running ] || refuse 'the job still runs'
  if [ -d "$folder" ]; then
    gone=$(mktemp -d "$jobs/.gone.XXXXXX") && mv "$folder" "$gone" && rm -rf "$gone"
  fi
  done_with forgotten
}

# Whether nobody needs what is kept of the job in $folder. Where a service that it left running still says something, its
# output stays, without the script.
may_go() {
  find_state
  # What an ended job left in its group is none of our business, unless a kill is to end that too.
  if [ "$state" != exited ] || { [ -e "$folder/kill" ] && [ ! -e "$folder/killed" ]; }; then is_over || return 1; fi
  is_read || return 0
  [ ! -e "$folder/script" ] || rm -f "$folder/script"
  return 1
}
# Drops jobs of tasks with a smaller id than the first field, but for those in the second; and what others left half done.
job_sweep() {
  below=${1#=} except=,${2#=}, most=1000 more=no
  case $below in '' | *[!0-9]*) refuse 'not the id of a task' ;; esac
  set --
  for folder in "$jobs"/t[1-9]*-*; do
    id=${folder##*/t}
    id=${id%%-*}
    case $id in *[!0-9]* | ????????????????*) continue ;; esac
    [ "$id" -lt "$below" ] || continue
    case $except in *",$id,"*) continue ;; esac
    if [ -L "$folder" ] || [ ! -d "$folder" ]; then continue; fi
    may_go || continue
    if [ $# -ge "$most" ]; then more=yes; break; fi
    set -- "$@" "$folder"
  done
  if [ $# -gt 0 ]; then
    gone=$(mktemp -d "$jobs/.gone.XXXXXX") && {
      # Another one may have dropped some of them meanwhile.
      mv -t "$gone" -- "$@" 2>/dev/null
      rm -rf "$gone"
    }
    [ ! -e "$1" ] || fail 'what is kept of jobs cannot be removed'
  fi
  find "$jobs/" -mindepth 1 -maxdepth 1 \( -name '.new.*' -o -name '.gone.*' \) -mtime +0 -exec rm -rf {} + 2>/dev/null
  done_with $# "$more"
}
