#!/bin/bash
# Checks the configuration and its rules, then becomes Prometheus. Arguments are handed to it.
set -euo pipefail

readonly config=/etc/prometheus/prometheus.yml
readonly volume=/prometheus

refuse() {
  printf 'mem0-prometheus: %s\n' "$@" >&2
  exit 1
}

[[ -r $config ]] || refuse "$config cannot be read by uid $(id -u)." "Mount it read-only at this path."
[[ -w $volume && -x $volume ]] || refuse "$volume is not writable for uid $(id -u)." \
  "Mount a volume there that this uid may write to, or run the container as its owner."
promtool check config "$config" || refuse "The configuration is not valid: see above. Nothing was started."
exec prometheus --config.file="$config" --storage.tsdb.path="$volume/data" "$@"
