#!/bin/bash
# Runs once, on an empty volume: one user for Temporal and two for Slipway, each with nothing but their own databases. The
# tables of Slipway belong to slipway_owner, who migrates and then grants to slipway what that needs to run.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv slipway_password SLIPWAY_DATABASE_PASSWORD
\getenv owner_password SLIPWAY_OWNER_PASSWORD
\getenv temporal_password TEMPORAL_DATABASE_PASSWORD
create role slipway login password :'slipway_password';
create role slipway_owner login password :'owner_password';
create role temporal login password :'temporal_password';
create database slipway owner slipway_owner;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke connect on database slipway, temporal, temporal_visibility from public;
grant connect on database slipway to slipway;
SQL
