// What Slipway itself runs on a host, as scripts for the runner. They take everything from the environment, so nothing
// that a user typed is ever part of a script's text, and each of them may be run again with the same end.

/** Unpacks beside the present release; a release of the same name is set aside until the sub-task has succeeded. */
export const unpack = `set -eu
release="$SLIPWAY_DEPLOY_PATH/releases/$SLIPWAY_VERSION"
state="$SLIPWAY_DEPLOY_PATH/.slipway/tasks/$SLIPWAY_TASK"
mkdir -p "$SLIPWAY_DEPLOY_PATH/releases" "$state"
rm -rf "$state/release"
mkdir "$state/release"
tar -xpf "$SLIPWAY_PACKAGE" -C "$state/release"
if [ "$(id -u)" = 0 ] && id "$SLIPWAY_RUN_USER" >/dev/null 2>&1; then
  chown -R "$SLIPWAY_RUN_USER:$(id -g "$SLIPWAY_RUN_USER")" "$state/release"
fi
if [ -e "$state/replaced" ] || [ -e "$state/created" ]; then
  rm -rf "$release"
elif [ -e "$release" ]; then
  mv "$release" "$state/replaced"
else
  : > "$state/created"
fi
mv "$state/release" "$release"
echo "unpacked to releases/$SLIPWAY_VERSION"
`;

/** Takes \`unpack\` back, also when it ended half-way. */
export const dropRelease = `set -eu
release="$SLIPWAY_DEPLOY_PATH/releases/$SLIPWAY_VERSION"
state="$SLIPWAY_DEPLOY_PATH/.slipway/tasks/$SLIPWAY_TASK"
if [ -e "$state/replaced" ]; then
  rm -rf "$release"
  mv "$state/replaced" "$release"
elif [ -e "$state/created" ]; then
  rm -rf "$release"
fi
rm -rf "$state"
`;

const link = `link() {
  rm -f .current.new
  ln -s "$1" .current.new
  mv -fT .current.new current 2>/dev/null || mv -fh .current.new current
}
`;

// Noted for the undo: \`current\` may be older than Slipway, and lead elsewhere.
const former = 'former=".slipway/tasks/$SLIPWAY_TASK/former"';

/** Switches the link \`current\` in one rename, so that there is no moment without a release; what it was is noted before. */
export const switchRelease = `set -eu
cd "$SLIPWAY_DEPLOY_PATH"
${link}
if [ ! -d "releases/$SLIPWAY_VERSION" ]; then
  echo "release $SLIPWAY_VERSION is not on this host" >&2
  exit 1
fi
if [ -e current ] && [ ! -L current ]; then
  echo "$SLIPWAY_DEPLOY_PATH/current is not a link; move it away and try again" >&2
  exit 1
fi
${former}
if [ ! -e "$former" ]; then
  mkdir -p "\${former%/*}"
  readlink current > "$former.new" || :
  mv "$former.new" "$former"
fi
link "releases/$SLIPWAY_VERSION"
echo "current is releases/$SLIPWAY_VERSION"
`;

/** Leads \`current\` to where it led before, also when that is nowhere, or not a release of Slipway's. */
export const switchBack = `set -eu
cd "$SLIPWAY_DEPLOY_PATH" 2>/dev/null || exit 0
${link}
${former}
rm -f .current.new
if [ -e current ] && [ ! -L current ]; then exit 0; fi
if [ -e "$former" ]; then
  target=$(cat "$former")
elif [ "$(readlink current)" = "releases/$SLIPWAY_VERSION" ] && [ "$SLIPWAY_VERSION" != "$SLIPWAY_PREVIOUS_VERSION" ]; then
  target=\${SLIPWAY_PREVIOUS_VERSION:+releases/$SLIPWAY_PREVIOUS_VERSION}
else
  exit 0
fi
if [ -n "$target" ]; then
  link "$target"
  echo "current is $target again"
else
  rm -f current
fi
`;

/** Drops what a sub-task that was taken back leaves: its package, also half of it, its state, and folders that are empty then. */
export const tidy = `set -u
cd "$SLIPWAY_DEPLOY_PATH" 2>/dev/null || exit 0
rm -rf ".slipway/tasks/$SLIPWAY_TASK" "$SLIPWAY_PACKAGE" .slipway/packages/.slipway-*
rmdir .slipway/tasks .slipway/packages .slipway releases 2>/dev/null || :
`;

/** Drops what a finished sub-task leaves, and releases beyond those kept (one a line). */
export const prune = `${tidy}
printf '%s\\n' "$SLIPWAY_DROPPED" | while IFS= read -r version; do
  if [ -n "$version" ] && [ "$(readlink current)" != "releases/$version" ]; then
    rm -rf "releases/$version" && echo "release $version is dropped"
  fi
done
`;
