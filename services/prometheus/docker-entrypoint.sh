#!/bin/bash
# Checks the configuration and its rules, then becomes Prometheus. Arguments are handed to it.
set -euo pipefail

readonly config=/etc/prometheus/prometheus.yml
readonly volume=/prometheus

# shellcheck source=services/shared/entrypoint.sh
source /usr/local/lib/mem0/entrypoint.sh mem0-prometheus

[[ -r $config ]] || refuse "$config cannot be read by uid $(id -u)." "Mount it read-only at this path."
check_volume "$volume"
promtool check config "$config" || refuse "The configuration is not valid: see above. Nothing was started."
exec prometheus --config.file="$config" --storage.tsdb.path="$volume/data" "$@"
