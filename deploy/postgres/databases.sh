#!/bin/bash
# Runs once, on an empty volume: one user for Slipway and one for Temporal, each with nothing but its own databases.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv slipway_password SLIPWAY_DATABASE_PASSWORD
\getenv temporal_password TEMPORAL_DATABASE_PASSWORD
create role slipway login password :'slipway_password';
create role temporal login password :'temporal_password';
create database slipway owner slipway;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke connect on database slipway, temporal, temporal_visibility from public;
SQL
