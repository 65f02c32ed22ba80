#!/bin/bash
# Becomes the Neo4j server, or with `neo4j-admin ...` as arguments the administration tool on the same
# volume (the server stopped). Other arguments are handed to the server (`-c setting=value`).
#
# Environment: NEO4J_PASSWORD_FILE (one line, 8 characters or more), NEO4J_HEAP, NEO4J_PAGECACHE.
set -euo pipefail
umask 077 # memories are in the store, and in every dump of it

readonly volume=/data
readonly data=$volume/neo4j
# Lies here from before the first start until the databases are made and have their password; the
# extension in the server removes it (src/PasswordFromFile.java).
export NEO4J_FIRST_START_MARKER=$volume/first-start-unfinished

# shellcheck source=services/shared/entrypoint.sh
source /usr/local/lib/mem0/entrypoint.sh mem0-neo4j

check_password() {
  check_password_file NEO4J_PASSWORD_FILE
  local password
  password=$(head -n 1 "$NEO4J_PASSWORD_FILE")
  ((${#password} >= 8)) ||
    refuse "The password in $NEO4J_PASSWORD_FILE is too short." "Neo4j asks for at least 8 characters."
}

take_volume() {
  check_volume "$volume"
  check_owner "$data"
  lock_volume "$volume" || true # Neo4j locks its store files itself
}

# A first start that was killed leaves databases that may lack files, and that nobody could write to yet.
drop_unfinished() {
  [[ ! -e $NEO4J_FIRST_START_MARKER ]] || rm -rf "$data" "$NEO4J_FIRST_START_MARKER"
}

prepare_first_start() {
  refuse_other_data "$volume" "$data"
  touch "$NEO4J_FIRST_START_MARKER"
  mkdir "$data"
}

take_volume
drop_unfinished
if [[ ${1:-} == neo4j-admin ]]; then
  exec "$@"
fi
check_password
[[ -e $data ]] || prepare_first_start
exec java "-Xms$NEO4J_HEAP" "-Xmx$NEO4J_HEAP" \
  "@$NEO4J_HOME/conf/jvm.options" "@$NEO4J_HOME/classpath.options" \
  org.neo4j.server.CommunityEntryPoint \
  "--home-dir=$NEO4J_HOME" "--config-dir=$NEO4J_CONF" --console-mode \
  -c "server.memory.pagecache.size=$NEO4J_PAGECACHE" "$@"
