-- What holds at every start, before the server listens on the network. Run as the superuser.
\set ON_ERROR_STOP on
\getenv user POSTGRES_USER
\getenv database POSTGRES_DB

-- The file is the truth: rotated, or made anew for a kept volume, it takes effect here.
\set password `head -n 1 "$POSTGRES_PASSWORD_FILE"`
-- An error must not quote the statement.
\set VERBOSITY terse
ALTER ROLE :"user" PASSWORD :'password';

-- Reads everything, for counts and sizes, and writes nothing. Through PostgreSQL's own roles, so that it holds for
-- tables that are made or restored later.
\getenv metrics_user POSTGRES_METRICS_USER
\if :{?metrics_user}
\set metrics_password `head -n 1 "$POSTGRES_METRICS_PASSWORD_FILE"`
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'metrics_user') AS metrics_user_missing \gset
\if :metrics_user_missing
CREATE ROLE :"metrics_user" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
\endif
ALTER ROLE :"metrics_user" CONNECTION LIMIT 8 PASSWORD :'metrics_password';
ALTER ROLE :"metrics_user" SET default_transaction_read_only = on;
GRANT pg_read_all_data, pg_read_all_stats TO :"metrics_user";
\endif

-- A restore that was cut off at the moment of its swap leaves the database closed. Going on with it, or going back, needs
-- a server, and opens it.
SELECT datallowconn AS open FROM pg_database WHERE datname = :'database' \gset
\if :open
-- Made by the role, which thereby owns it and may drop and restore it. A newer image may bring a newer
-- pgvector, a restored volume an older one.
\connect :"database"
SET client_min_messages = warning;
SET ROLE :"user";
CREATE EXTENSION IF NOT EXISTS vector;
RESET ROLE;
ALTER EXTENSION vector UPDATE;
\else
\warn mem0-postgres: database :database takes no connections: a restore was cut off. It goes on, or back.
\endif
