// Slipway's own scripts for hosts. They take all input from the environment, so no user input becomes script text, and each
// is idempotent. place-scripts.ts decides the user who acts in the deploy path. Notes lie in the runner's own folder; older
// sub-tasks kept them in `.slipway` of the deploy path, which is read and acted on as the holder of that path.
import { place } from './place-scripts.ts';

const old = '".slipway/tasks/$SLIPWAY_TASK"';

const findPackage = `package=$state/$SLIPWAY_PACKAGE
if [ ! -f "$package" ]; then
  adopt
  within "$place" '[ ! -L "$1" ] && [ -f "$1" ] && cat -- "$1"' ".slipway/packages/$SLIPWAY_PACKAGE" > "$package.part" ||
    fail 'the package is not on this host'
  [ "$(sha256sum < "$package.part")" = "\${SLIPWAY_PACKAGE%.tar}  -" ] || fail 'the package on this host is another one'
  mv -f -- "$package.part" "$package"
fi
`;

// In a folder owned by root, the new release belongs to the run user before any package content is in it.
const extract = `extract='tar --no-same-owner -xpf -'
if [ "$holder" = root ]; then
  within "$releases" 'rm -rf -- "$1"; mkdir -- "$1"' "$fresh"
  if [ -n "$lowered" ]; then chown -h "$uid:$gid" -- "$releases/$fresh"; fi
  (cd -P -- "$releases/$fresh" && act $extract < "$package")
else
  within "$releases" 'rm -rf -- "$1"; mkdir -- "$1"; cd -- "$1"; '"$extract" "$fresh" < "$package"
fi
`;

/** Unpacks next to the present release. Sets a release of the same name aside until the sub-task has succeeded. */
export const unpack = `set -eu
${place}
find_place
make_place
(umask 077 && mkdir -p -- "$state")
${findPackage}
within "$place" 'if [ -L releases ] || { [ -e releases ] && [ ! -d releases ]; }; then
  echo "$0/releases is not a folder" >&2
  exit 1
fi
mkdir -p releases'
releases=$place/releases
if [ "$holder" = root ]; then follow "\${releases#"$base"}"; fi
${extract}
is_there() { within "$releases" '[ -e "$1" ] || [ -L "$1" ]' "$1"; }
if [ ! -e "$state/replaced" ] && [ ! -e "$state/created" ]; then
  if is_there "$release"; then : > "$state/replaced"; else : > "$state/created"; fi
fi
if [ -e "$state/replaced" ] && ! is_there "$former"; then
  within "$releases" 'if [ -e "$1" ] || [ -L "$1" ]; then mv -T -- "$1" "$2" 2>/dev/null || mv -h -- "$1" "$2"; fi' "$release" "$former"
fi
within "$releases" 'rm -rf -- "$1"; mv -- "$2" "$1"' "$release" "$fresh"
echo "unpacked to releases/$SLIPWAY_VERSION"
`;

/** Undoes \`unpack\`, complete or partial. */
export const dropRelease = `set -eu
${place}
find_place
if [ -n "$rest" ]; then rm -rf -- "$state"; exit 0; fi
adopt
in_releases() {
  [ -d "$place/releases" ] && [ ! -L "$place/releases" ] || return 0
  if [ "$holder" = root ]; then follow "\${place#"$base"}/releases"; fi
  within "$place/releases" "$@"
  find_place
}
if [ -e "$state/replaced" ]; then
  in_releases 'if [ -e "$2" ] || [ -L "$2" ]; then rm -rf -- "$1"; mv -- "$2" "$1"; fi' "$release" "$former"
elif [ -e "$state/created" ]; then
  in_releases 'rm -rf -- "$1"' "$release"
else
  within "$place" 'if [ -e "$2/replaced" ]; then rm -rf -- "releases/$1"; mv -- "$2/replaced" "releases/$1"
  elif [ -e "$2/created" ]; then rm -rf -- "releases/$1"; fi' "$release" ${old}
fi
in_releases 'rm -rf -- "$1" "$2"' "$fresh" "$former"
within "$place" 'rm -rf -- "$1"' ${old}
rm -rf -- "$state"
`;

const link = `link='
rm -rf -- .current.new
ln -s -- "$1" .current.new
mv -fT .current.new current 2>/dev/null || mv -fh .current.new current
'
`;

/** Switches the link \`current\` by one atomic rename, after noting its previous target. */
export const switchRelease = `set -eu
${place}
${link}
find_place
if [ -n "$rest" ]; then fail "release $SLIPWAY_VERSION is not on this host"; fi
within "$place" 'if [ ! -d "releases/$1" ] || [ -L "releases/$1" ] || [ -L releases ]; then
  echo "release $1 is not on this host" >&2
  exit 1
fi
if [ -e current ] && [ ! -L current ]; then
  echo "$0/current is not a link; move it away and try again" >&2
  exit 1
fi' "$release"
if [ ! -e "$state/former" ]; then
  (umask 077 && mkdir -p -- "$state")
  # Noted for the undo: it may be older than Slipway, and lead elsewhere.
  within "$place" 'readlink current || :' > "$state/former.new"
  mv -f -- "$state/former.new" "$state/former"
fi
within "$place" "$link" "releases/$release"
echo "current is releases/$SLIPWAY_VERSION"
`;

/** Restores the previous target of \`current\`, also when it was absent or not a release of Slipway. */
export const switchBack = `set -eu
${place}
${link}
find_place
if [ -n "$rest" ]; then exit 0; fi
adopt
within "$place" 'rm -rf -- .current.new'
if [ -e "$place/current" ] && [ ! -L "$place/current" ]; then exit 0; fi
noted='[ ! -L "$1" ] && [ ! -L "\${1%/*}" ] && [ -f "$1" ] && head -c 4096 -- "$1"'
if [ -e "$state/former" ]; then
  target=$(cat -- "$state/former")
elif target=$(within "$place" "$noted" ${old}/former); then
  case $target in *$'\\n'*) fail 'what current was is noted in a way that is not understood' ;; esac
elif [ "$(within "$place" 'readlink current || :')" = "releases/$release" ] && [ "$release" != "$SLIPWAY_PREVIOUS_VERSION" ]; then
  target=\${SLIPWAY_PREVIOUS_VERSION:+releases/$SLIPWAY_PREVIOUS_VERSION}
else
  exit 0
fi
if [ -n "$target" ]; then
  within "$place" "$link" "$target"
  echo "current is $target again"
else
  within "$place" 'rm -f current'
fi
`;

/** Deletes the leftovers of an undone sub-task: its package (complete or partial), its state, and folders left empty. */
export const tidy = `set -u
${place}
rm -rf -- "$state"
find_place
if [ -n "$rest" ]; then exit 0; fi
adopt
within "$place" 'set +e
rm -rf -- "$1" ".slipway/packages/$2" .slipway/packages/.slipway-*
if [ ! -L releases ]; then rm -rf -- "releases/$3" "releases/$4"; fi
rmdir .slipway/tasks .slipway/packages .slipway releases 2>/dev/null
exit 0' ${old} "$SLIPWAY_PACKAGE" "$fresh" "$former"
`;

/** Deletes the leftovers of a finished sub-task, and releases beyond those kept (one per line). */
export const prune = `${tidy}
within "$place" 'set +e
if [ -L releases ]; then exit 0; fi
printf "%s\\n" "$1" | while IFS= read -r version; do
  if [ -n "$version" ] && [ "$(readlink current)" != "releases/$version" ]; then
    rm -rf -- "releases/$version" && echo "release $version is dropped"
  fi
done
exit 0' "$SLIPWAY_DROPPED"
`;
