# --- operations on files

# Sets value to a path as it is on the host: what is kept for steps is named from their folder on.
own_path() {
  case $1 in @/*) value=$steps/${1#@/} ;; *) value=$1 ;; esac
}
part() { dd if="$1" bs=65536 iflag=skip_bytes,count_bytes skip="$2" count="$3" 2>/dev/null | base64 -w0; }
# A part of a file, with its size; past its end there is nothing.
tell_block() {
  size=$(stat -L -c %s -- "$1") || fail 'its size cannot be read'
  length=$((size - $2))
  if [ "$length" -gt "$3" ]; then length=$3; fi
  if [ "$length" -le 0 ]; then done_with "$size"; fi
  done_with "$size" "$(part "$1" "$2" "$length")"
}
ensure_readable() {
  [ -e "$1" ] || refuse "$1 does not exist"
  [ -r "$1" ] || refuse "$1: it may not be read"
}
file_stat() {
  if [ -f "$path" ]; then
    done_with file "$(stat -L -c %s -- "$path")"
  elif [ -d "$path" ]; then
    done_with directory 0
  elif [ -e "$path" ]; then
    done_with other 0
  else
    done_with absent 0
  fi
}
real_paths() {
  for field; do
    decode "$field"
    readlink -z -e -- "$value" || printf '\0'
  done 2>/dev/null | base64 -w0
}
file_real() { done_with "$(real_paths "$@")"; }
file_list() {
  [ ! -e "$path" ] || [ -d "$path" ] || refuse "$path is not a folder"
  ensure_readable "$path"
  done_with "$(find -H "$path" -mindepth 1 -maxdepth 1 -printf '%y %s %m\0%f\0%l\0' 2>/dev/null | base64 -w0)"
}
file_read() {
  ensure_readable "$path"
  [ -f "$path" ] || refuse "$path is not a file"
  tell_block "$path" "${2#=}" "${3#=}"
}
checksum() { sha256sum <"$1" | cut -c 1-64; }
put_check() {
  if [ -e "$path" ]; then
    [ -f "$path" ] || refuse "$path is not a file"
    if [ "$(checksum "$path")" = "${2#=}" ]; then
      chmod "${3#=}" "$path" 2>/dev/null || refuse "$path: its mode cannot be changed"
      done_with same
    fi
  fi
  said=$(mkdir -p -- "${path%/*}/" 2>&1) || refuse "$path: $said"
  [ -w "${path%/*}/" ] || refuse "$path: its folder may not be written"
  done_with send "$(text "$path")"
}
put_block() {
  umask 077
  printf '%s' "${3#=}" | base64 -d |
    dd of="$path" bs=65536 iflag=fullblock oflag=seek_bytes seek="${2#=}" conv=notrunc 2>/dev/null ||
    refuse "$path cannot be written"
  done_with written
}
put_end() {
  decode "$4"; own_path "$value"; temporary=$value
  if [ ! -e "$temporary" ]; then
    # Another one with the same file at the same time, or the answer of the first try was lost.
    if [ -f "$path" ] && [ "$(checksum "$path")" = "${2#=}" ]; then done_with placed; fi
    fail "$path: what was sent is gone"
  fi
  found=$(checksum "$temporary")
  if [ "$found" != "${2#=}" ]; then
    rm -f -- "$temporary"
    refuse "$path: the checksum is $found, not ${2#=}"
  fi
  chmod "${3#=}" "$temporary" && sync "$temporary" 2>/dev/null
  said=$(mv -fT -- "$temporary" "$path" 2>&1) || refuse "$path: $said"
  done_with placed
}
