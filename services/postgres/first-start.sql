-- What a new cluster gets: the application's role and its database. Run as the superuser, once, before
-- the data directory gets its final name.
\set ON_ERROR_STOP on
\getenv user POSTGRES_USER
\getenv database POSTGRES_DB

CREATE ROLE :"user" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE :"database" OWNER :"user";
