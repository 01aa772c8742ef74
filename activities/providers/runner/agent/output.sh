# --- what is kept of the output of the job in $folder: see the reader. Positions are those of the stream, whatever is gone of it.

# Sets place to where in its stream a file begins.
place_of() {
  case $1 in
    *-*)
      place=${1##*-}
      place=${place#"${place%%[1-9]*}"}
      ;;
    *) place=0 ;;
  esac
}
# Sets sizes to how much each stream has said.
find_sizes() {
  out_size=0 err_size=0
  set -- $(cd "$folder" 2>/dev/null && stat -c '%n %s' stdout stdout-* stderr stderr-* 2>/dev/null)
  while [ $# -gt 1 ]; do
    place_of "$1"
    case $1 in stdout*) out_size=$((place + $2)) ;; *) err_size=$((place + $2)) ;; esac
    shift 2
  done
  sizes="$out_size $err_size"
}
# Sets last to the file to which a stream is written.
find_last() {
  for last in "$folder/$1" "$folder/$1"-*; do :; done
  [ -e "$last" ] || last=$folder/$1
}
# Sets, for a stream, an offset and a number of bytes: size, how much it has said; from, where what is told begins; length, how
# many bytes lie next to each other there, in the files of names, from skip on in the first; cut, whether what follows is gone.
find_part() {
  from=$2 most=$3 size=0 skip=0 end=0 names='' cut=no
  set -- $(cd "$folder" 2>/dev/null && stat -c '%n %s' "$1" "$1"-* 2>/dev/null)
  while [ $# -gt 1 ]; do
    place_of "$1"
    size=$((place + $2))
    if [ "$size" -le "$from" ]; then
      :
    elif [ -z "$names" ]; then
      if [ "$place" -gt "$from" ]; then from=$place; fi
      skip=$((from - place)) names=$1 end=$size
    elif [ "$((end - from))" -lt "$most" ] && [ "$cut" = no ]; then
      if [ "$place" = "$end" ]; then names="$names $1" end=$size; else cut=yes; fi
    fi
    shift 2
  done
  length=0
  if [ -n "$names" ]; then length=$((end - from)); fi
  if [ "$length" -gt "$most" ]; then length=$most; fi
}
read_part() {
  case $names in
    '') ;;
    *' '*) (cd "$folder" && tail -c "+$((skip + 1))" "${names%% *}" && cat ${names#* }) 2>/dev/null | head -c "$length" | base64 -w0 ;;
    *) part "$folder/$names" "$skip" "$length" ;;
  esac
}
are_there() { for name in $names; do [ -e "$folder/$name" ] || return 1; done; }
# Size, position, whether it is cut, and bytes of a stream from an offset on, at most so many.
tell_part() {
  find_part "$1" "$2" "$3"
  while data=$(read_part); ! are_there; do
    # The oldest went meanwhile, and the next one may as well: what is younger lasts longer.
    find_part "$1" $((from + (size - from) / 2)) "$3"
  done
  printf ' %s %s %s %s' "$size" "$from" "$cut" "$data"
}
