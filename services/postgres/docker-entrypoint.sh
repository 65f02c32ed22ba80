#!/bin/bash
# Makes the data directory at the first start, sets the role's password at every start, then becomes
# PostgreSQL. Arguments are handed to the server (`-c shared_buffers=256MB`).
#
# Environment: POSTGRES_DB, POSTGRES_USER, POSTGRES_PASSWORD_FILE (one line), PGDATA; both or neither of
# POSTGRES_METRICS_USER, POSTGRES_METRICS_PASSWORD_FILE: a role that may look at everything and change nothing.
set -euo pipefail

readonly config=/etc/mem0-postgres/postgresql.conf
readonly sql=/usr/local/share/mem0-postgres
readonly volume=${PGDATA%/*}
readonly unfinished=$PGDATA.unfinished

# shellcheck source=services/shared/entrypoint.sh
source /usr/local/lib/mem0/entrypoint.sh mem0-postgres

check_settings() {
  require_setting POSTGRES_DB
  require_setting POSTGRES_USER
  check_password_file POSTGRES_PASSWORD_FILE
  [[ $POSTGRES_USER != postgres ]] ||
    refuse "POSTGRES_USER is 'postgres', the superuser, which is refused over the network." \
      "Choose another name for the application's role."
}

check_metrics_settings() {
  [[ -n ${POSTGRES_METRICS_USER:-} ]] || return 0
  [[ -n ${POSTGRES_METRICS_PASSWORD_FILE:-} ]] || refuse "POSTGRES_METRICS_PASSWORD_FILE is not set." \
    "Set it in the container's environment, or leave POSTGRES_METRICS_USER out."
  [[ $POSTGRES_METRICS_USER != "$POSTGRES_USER" && $POSTGRES_METRICS_USER != postgres ]] ||
    refuse "POSTGRES_METRICS_USER is '$POSTGRES_METRICS_USER', which may write." "Choose a name of its own."
  check_password_file POSTGRES_METRICS_PASSWORD_FILE
}

# PostgreSQL's own lock holds a process id, and every container has its server at the same one: it cannot tell a second
# container on the same volume from a crash of the first. Under our lock, a postmaster.pid is a dead server's.
take_volume() {
  check_volume "$volume"
  check_owner "$PGDATA"
  if lock_volume "$volume"; then rm -f "$PGDATA/postmaster.pid"; fi
}

check_data_directory() {
  [[ -f $PGDATA/PG_VERSION ]] ||
    refuse "$PGDATA is not a PostgreSQL data directory (it has no PG_VERSION)." \
      "Look at what is mounted at $volume; nothing was changed."
  local version
  version=$(<"$PGDATA/PG_VERSION")
  [[ $version == "$PG_MAJOR" ]] ||
    refuse "$PGDATA was made by PostgreSQL $version, this image is PostgreSQL $PG_MAJOR." \
      "Dump it with an image of version $version and restore the dump into a new volume."
}

# local_server DIRECTORY COMMAND...: runs the command while a server listens on the socket only, one
# that never logs a statement (there is a password in one).
local_server() {
  local data=$1
  shift
  # A shell that is PID 1 ignores signals it does not trap. No timeout of our own on crash recovery.
  trap 'pg_ctl -D "$data" -s -m fast stop || true; exit 143' INT TERM
  pg_ctl -D "$data" -s -w -t 3600 start \
    -o "-c config_file=$config -c listen_addresses='' -c log_min_error_statement=panic -c log_checkpoints=off"
  "$@" || { pg_ctl -D "$data" -s -m fast stop; return 1; }
  pg_ctl -D "$data" -s -m fast stop
  trap - INT TERM
}

run_sql() {
  psql --no-psqlrc --quiet --username postgres --dbname postgres --file "$1"
}

first_start() {
  refuse_other_data "$volume" "$PGDATA" "${unfinished##*/}"

  # initdb, alone of all PostgreSQL programs, wants its user to have a name.
  printf 'postgres:x:%d:%d::/tmp:/bin/false\n' "$(id -u)" "$(id -g)" >/tmp/passwd
  printf 'postgres:x:%d:\n' "$(id -g)" >/tmp/group

  # The directory gets its final name when it is complete; what an interrupted start left is dropped.
  # The collation is PostgreSQL's own C.UTF-8: unlike those of the C library and of ICU it never changes
  # under an index when the image gets newer packages.
  rm -rf "$unfinished"
  LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/tmp/group \
    initdb --pgdata "$unfinished" --username postgres --auth trust --data-checksums --no-instructions \
    --encoding UTF8 --locale C.UTF-8 --locale-provider builtin --builtin-locale C.UTF-8
  rm "$unfinished"/{postgresql,pg_hba,pg_ident}.conf # the image's are used
  local_server "$unfinished" run_sql "$sql/first-start.sql"
  mv "$unfinished" "$PGDATA"
  sync "$volume"
}

every_start() {
  local missing
  missing=$(psql --no-psqlrc -qAt -U postgres -d postgres <<'SQL'
\getenv user POSTGRES_USER
\getenv database POSTGRES_DB
SELECT 'role ' || :'user' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user')
UNION ALL
SELECT 'database ' || :'database' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database');
SQL
  ) || return
  if [[ -n $missing ]]; then
    complain "The data in $volume has no ${missing//$'\n'/ and no }." \
      "It is another stack's volume, or POSTGRES_USER or POSTGRES_DB was changed. Nothing was changed."
    return 1
  fi
  run_sql "$sql/every-start.sql"
}

check_settings
check_metrics_settings
take_volume
[[ -e $PGDATA ]] || first_start
check_data_directory
local_server "$PGDATA" every_start
exec postgres -D "$PGDATA" -c "config_file=$config" "$@"
