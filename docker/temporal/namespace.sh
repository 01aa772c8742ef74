#!/bin/sh
# Makes the namespace and the search attributes of Slipway's workflows. A new namespace takes some seconds until every
# part of the server knows it, so each step is tried for a while; what is there already is left alone. The
# address comes to the command line by the environment.
set -eu

try() {
  attempts=0
  until "$@"; do
    attempts=$((attempts + 1))
    [ "$attempts" -lt 30 ] || { echo "gave up: $*" >&2; exit 1; }
    sleep 2
  done
}

namespace() {
  temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
    temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
}

try temporal operator cluster health
try namespace
try temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" \
  --name SlipwayKind --type Keyword \
  --name SlipwayStatus --type Keyword \
  --name SlipwayApplication --type Keyword \
  --name SlipwayCreator --type Keyword \
  --name SlipwayLevel --type Keyword
