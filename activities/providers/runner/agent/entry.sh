# --- the way in

agent=$0 base=$1 key=$2 jobs=$1/jobs/$2 steps=$1/steps/$2
case ${3:-} in
  launch) folder=$4; launch; exit 0 ;;
  child) folder=$4; become_job ;;
  read)
    read -r limit <"$4/limit" || exit 1
    read_stream "$4" "$5" "$limit"
    ;;
esac
# Requests to many hosts may come in one piece; each takes its own line.
request=$(sed -n "/^$key /{s/^[^ ]* //p;q;}")
set -f
set -- $request
set +f
if [ $# -lt 2 ]; then
  echo 'the request has no part for this host, or a start file of the shell has read it'
  exit 1
fi
marker=$1 operation=$2
shift 2
if [ $# -gt 0 ] && [ "$operation" != real ]; then
  decode "$1"
  folder=$jobs/$value
  own_path "$value"
  path=$value
fi
case $operation in
  ping) done_with here ;;
  start) job_start "$@"; done_with started ;;
  run) job_run "$@" ;;
  look) job_look "$@" ;;
  state) tell_state ;;
  output) job_output "$@" ;;
  kill) job_kill "$@" ;;
  forget) job_forget ;;
  sweep) job_sweep "$@" ;;
  stat) file_stat ;;
  real) file_real "$@" ;;
  list) file_list ;;
  read) file_read "$@" ;;
  put-check) put_check "$@" ;;
  put-block) put_block "$@" ;;
  put-end) put_end "$@" ;;
  drop) rm -f -- "$path"; done_with dropped ;;
  *) refuse "unknown operation $operation" ;;
esac
