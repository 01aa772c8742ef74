#!/bin/sh
# What Slipway leaves on a host that it reaches by SSH or Salt. One request on standard input, one answer on standard output,
# between two marks that the request brings: start files of shells, banners and sudo print there too.
# A job is a folder; whatever counts as "it happened" is one rename in it, and the job lives in sessions of its own, so
# neither the end of a connection nor of a worker reaches it. Nothing is needed but POSIX sh, coreutils, findutils, sed, grep
# and util-linux (setsid). Each operation may be repeated with the same end. Called as: sh agent.sh <base folder> <host's key>.
set -u
umask 022
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
boot=$(cat /proc/sys/kernel/random/boot_id)

# --- answers: a word, then what the operation says; a text that others wrote goes in base64. Its length shows what another
# process has printed into it.

text() { printf '%s' "$1" | base64 -w0; }
answer() { printf '\n%s %s %s %s\n' "$marker" "${#1}" "$1" "$marker"; exit 0; }
refuse() { answer "refused $(text "$1")"; }
fail() { answer "unavailable $(text "$1")"; }
done_with() { answer "ok $*"; }
# Sets `value` to a field as it was meant: fields come with a mark in front and octal escapes.
decode() { value=$(printf '%b.' "${1#=}"); value=${value%.}; }

# --- processes: a pid with its start, because pids come back; a zombie counts as dead

# Sets status, group and start of a living process.
look_at() {
  line='' start=''
  { IFS= read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- ${line##*) }
  [ $# -ge 20 ] || return 1
  status=$1 group=$3
  case $status in [ZXx]) return 1 ;; esac
  shift 19
  start=$boot:$1
}
mark_of() { if look_at "$1"; then printf '%s %s\n' "$1" "$start"; else printf '%s -\n' "$1"; fi; }
lives() { look_at "$1" && [ "$start" = "$2" ]; }
# Whether a reader has nothing to do now: it and who reads for it, its group, sleep until something comes, or it has ended.
is_idle() {
  ! lives "$1" "$2" || ! cat /proc/[0-9]*/stat 2>/dev/null | grep -Eq "\) [^SIZXx] [0-9]+ $1 "
}
# Sets pid and born from a file with a mark.
read_mark() {
  pid='' born=''
  [ -e "$1" ] && read -r pid born <"$1"
}
# A group keeps its leader's number taken, so it is ours unless another process has become the number's owner.
group_is_ours() { ! look_at "$1" || [ "$start" = "$2" ]; }
group_lives() {
  group_is_ours "$1" "$2" && kill -s 0 -- "-$1" 2>/dev/null &&
    cat /proc/[0-9]*/stat 2>/dev/null | grep -Eq "\) [^ZXx] [0-9]+ $1 "
}
signal_group() { if group_is_ours "$2" "$3"; then kill -s "$1" -- "-$2" 2>/dev/null; fi; }
