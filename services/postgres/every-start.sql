-- What holds at every start, before the server listens on the network. Run as the superuser.
\set ON_ERROR_STOP on
\getenv user POSTGRES_USER
\getenv database POSTGRES_DB

-- The file is the truth: rotated, or made anew for a kept volume, it takes effect here.
\set password `head -n 1 "$POSTGRES_PASSWORD_FILE"`
-- An error must not quote the statement.
\set VERBOSITY terse
ALTER ROLE :"user" PASSWORD :'password';

-- Made by the role, which thereby owns it and may drop and restore it. A newer image may bring a newer
-- pgvector, a restored volume an older one.
\connect :"database"
SET client_min_messages = warning;
SET ROLE :"user";
CREATE EXTENSION IF NOT EXISTS vector;
RESET ROLE;
ALTER EXTENSION vector UPDATE;
