# shellcheck shell=bash
# What the entrypoints of the images check before their program starts. Each sources it under `set -euo pipefail`, with
# the name that its messages begin with as the argument.
#
# It is no part of the base image: that is made by set-up, and an entrypoint must not depend on when it was made.
# components/build-context.ts copies it into the build context of every image that takes it.

readonly image=${1:?}

# complain WHAT MEND...: a message of one line each.
complain() {
  printf '%s\n' "${@/#/$image: }" >&2
}

# refuse WHAT MEND...: the same, and the end of the container.
refuse() {
  complain "$@"
  exit 1
}

require_setting() { # VARIABLE
  [[ -n ${!1:-} ]] || refuse "$1 is not set." "Set it in the container's environment."
}

# check_password_file VARIABLE: the one that holds the file's path.
check_password_file() {
  require_setting "$1"
  local file=${!1}
  [[ -e $file ]] ||
    refuse "The password file $file ($1) does not exist." "Mount it read-only at this path."
  [[ -f $file && -r $file ]] ||
    refuse "The password file $file cannot be read by uid $(id -u)." \
      "Make it a file that belongs to this uid, mode 0600, or run the container as its owner."
  [[ -n $(head -n 1 "$file") ]] ||
    refuse "The password file $file is empty." "Write the password into its first line."
  [[ -z $(tail -n +2 "$file") ]] ||
    refuse "The password file $file has more than one line." "A password is one line."
}

# check_volume VOLUME
check_volume() {
  [[ -d $1 && -w $1 && -x $1 ]] ||
    refuse "$1 is not writable for uid $(id -u)." \
      "Mount a volume there that this uid may write to, or run the container as its owner."
}

# check_owner DATA: the directory of the data, where there is one.
check_owner() {
  [[ ! -e $1 || -O $1 ]] ||
    refuse "$1 belongs to uid $(stat -c %u "$1"), the container runs as uid $(id -u)." \
      "Run it as the owner (docker run --user $(stat -c %u:%g "$1"))."
}

# lock_volume VOLUME: refuses a second container on the same data. The lock is held by the open descriptor until the
# program ends, however it ends. Fails, with a warning, where the file system knows no locks.
lock_volume() {
  local lock locked=0
  exec {lock}>"$1/.lock" || refuse "$1/.lock cannot be opened by uid $(id -u)." "Run the container as its owner."
  flock --nonblock --conflict-exit-code 75 "$lock" || locked=$?
  ((locked != 75)) ||
    refuse "Another container is running on $1." "Stop it first (docker stop): two would destroy the data."
  ((locked == 0)) || {
    complain "$1 knows no file locks: a second container on it would go unnoticed."
    return 1
  }
}

# refuse_other_data VOLUME DATA [NAME]: before a first start makes DATA, nothing else may be there but what this image
# puts there (NAME) and what file systems and a Mac's Finder leave everywhere.
refuse_other_data() {
  local found
  found=$(find "$1" -mindepth 1 -maxdepth 1 ! -name .lock ! -name lost+found ! -name .DS_Store ! -name '._*' \
    ! -name "${3:-.lock}")
  [[ -z $found ]] ||
    refuse "$1 holds no $2, but it is not empty: ${found%%$'\n'*}." \
      "A new database beside other data would hide it. Mount an empty volume, or the right one."
}
