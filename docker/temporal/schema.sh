#!/bin/sh
# Brings Temporal's two databases to the schema of this version; what is there already is left alone.
set -eu

for database in temporal visibility; do
  name=temporal
  [ "$database" = temporal ] || name=temporal_visibility
  export SQL_DATABASE="$name"
  temporal-sql-tool setup-schema -v 0.0
  temporal-sql-tool update-schema -d "/etc/temporal/schema/postgresql/v12/$database/versioned"
done
