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

refuse() {
  printf 'mem0-neo4j: %s\n' "$@" >&2
  exit 1
}

check_password_file() {
  local file=${NEO4J_PASSWORD_FILE:-}
  [[ -n $file ]] || refuse "NEO4J_PASSWORD_FILE is not set." "Set it in the container's environment."
  [[ -e $file ]] ||
    refuse "The password file $file (NEO4J_PASSWORD_FILE) does not exist." \
      "Mount it read-only at this path."
  [[ -f $file && -r $file ]] ||
    refuse "The password file $file cannot be read by uid $(id -u)." \
      "Make it a file that belongs to this uid, mode 0600, or run the container as its owner."
  local password
  password=$(head -n 1 "$file")
  [[ -n $password ]] ||
    refuse "The password file $file is empty." "Write the password into its first line."
  [[ -z $(tail -n +2 "$file") ]] ||
    refuse "The password file $file has more than one line." "A password is one line."
  ((${#password} >= 8)) ||
    refuse "The password in $file is too short." "Neo4j asks for at least 8 characters."
}

check_volume() {
  [[ -d $volume && -w $volume && -x $volume ]] ||
    refuse "$volume is not writable for uid $(id -u)." \
      "Mount a volume there that this uid may write to, or run the container as its owner."
  [[ ! -e $data || -O $data ]] ||
    refuse "$data belongs to uid $(stat -c %u "$data"), the container runs as uid $(id -u)." \
      "Run it as the owner (docker run --user $(stat -c %u:%g "$data"))."

  # Held by the open descriptor until the server or the tool ends, however it ends.
  local locked=0
  exec {lock}>"$volume/.lock"
  flock --nonblock --conflict-exit-code 75 "$lock" || locked=$?
  ((locked != 75)) ||
    refuse "Another container is running on $volume." "Stop it first (docker stop), then try again."
}

# A first start that was killed leaves databases that may lack files, and that nobody could write to yet.
drop_unfinished() {
  [[ ! -e $NEO4J_FIRST_START_MARKER ]] || rm -rf "$data" "$NEO4J_FIRST_START_MARKER"
}

prepare_first_start() {
  local found
  # macOS puts .DS_Store and ._* into a directory that somebody looks into: they are no data.
  found=$(find "$volume" -mindepth 1 -maxdepth 1 \
    ! -name .lock ! -name lost+found ! -name .DS_Store ! -name '._*' -print -quit)
  [[ -z $found ]] ||
    refuse "$volume holds no $data, but it is not empty: $found." \
      "A new database beside other data would hide it. Mount an empty volume, or the right one."
  touch "$NEO4J_FIRST_START_MARKER"
  mkdir "$data"
}

check_volume
drop_unfinished
if [[ ${1:-} == neo4j-admin ]]; then
  exec "$@"
fi
check_password_file
[[ -e $data ]] || prepare_first_start
exec java "-Xms$NEO4J_HEAP" "-Xmx$NEO4J_HEAP" \
  "@$NEO4J_HOME/conf/jvm.options" "@$NEO4J_HOME/classpath.options" \
  org.neo4j.server.CommunityEntryPoint \
  "--home-dir=$NEO4J_HOME" "--config-dir=$NEO4J_CONF" --console-mode \
  -c "server.memory.pagecache.size=$NEO4J_PAGECACHE" "$@"
