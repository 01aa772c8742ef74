# --- who reads a stream: what comes through its pipe goes to the job's files, which together never hold more than a limit.
# A stream's beginning is in a file of its name, what follows in files named by where in the stream they begin, and for a new
# one the oldest goes. `dd` takes no more than it is told and writes what there is at once.

newline='
'
# Sets what the files of the job hold: both beginnings, each stream's end with the oldest file of it, and the file written to.
measure() {
  heads=0 size=0 out=0 out_oldest='' out_files=0 err=0 err_oldest='' err_files=0
  # One that goes meanwhile is none any more.
  set -- $(wc -c stdout stderr stdout-* stderr-* 2>/dev/null)
  while [ $# -gt 1 ]; do
    case $2 in
      stdout | stderr) heads=$((heads + $1)) ;;
      stdout-*) out=$((out + $1)) out_oldest=${out_oldest:-$2} out_files=$((out_files + 1)) ;;
      stderr-*) err=$((err + $1)) err_oldest=${err_oldest:-$2} err_files=$((err_files + 1)) ;;
    esac
    if [ "$2" = "$file" ]; then size=$1; fi
    shift 2
  done
}
# Drops the oldest of the larger end until both readers may write as much as they do between two looks.
make_room() {
  while measure; [ $((heads + out + err + 2 * most)) -gt "$limit" ]; do
    # The newest file of a stream is being written.
    if [ "$out_files" -lt 2 ]; then out=-1; fi
    if [ "$err_files" -lt 2 ]; then err=-1; fi
    if [ "$out" -ge "$err" ] && [ "$out" -ge 0 ]; then
      rm -f "$out_oldest"
    elif [ "$err" -ge 0 ]; then
      rm -f "$err_oldest"
    else
      return 0
    fi
  done
}
# Goes on to the next file where this one has enough.
turn_page() {
  if [ "$file" = "$stream" ]; then
    [ $((heads + 2 * most)) -gt $((limit / 2)) ] || return 0
  else
    [ "$size" -ge "$most" ] || return 0
  fi
  begin=$((begin + size))
  file=$stream-$(printf '%015d' "$begin")
}
# Reads standard input to its end: job's folder, stream, limit in bytes.
read_stream() {
  trap '' TERM INT HUP
  umask 077
  LC_ALL=C
  export LC_ALL
  cd "$1" || exit 1
  stream=$2 file=$2 begin=0 limit=$3 most=$(($3 / 100))
  large=$((limit / 800)) small=$((limit / 12800)) block=$large
  while :; do
    # Many small blocks where little comes at a time, as each `dd` costs a process.
    count=$((most / block))
    make_room
    turn_page
    if ! said=$(dd bs="$block" count="$count" 2>&1 >>"$file"); then
      # The job was forgotten; a service that it left behind must not stumble over that.
      [ -e "$stream" ] || exec cat >/dev/null
      printf '%s\n' "$said" >&2
      exit 1
    fi
    said=${said%% records in*}
    said=${said##*"$newline"}
    if [ $((${said%+*} + ${said#*+})) -lt "$count" ]; then exit 0; fi
    if [ "${said%+*}" -gt 0 ]; then block=$large; else block=$small; fi
  done
}
