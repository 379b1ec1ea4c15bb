#!/usr/bin/env bash
# Ends, by their pid files, the daemons that rgw-up.sh started in a folder. The folder stays.   rgw-down.sh DIR
set -euo pipefail
dir=${1:?usage: rgw-down.sh DIR}
dir=$(cd "$dir" && pwd)

# By the command line, for Ceph renames its processes; and a pid may be somebody else's by now.
is_ours() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null | grep -qF -- "-c $dir/ceph.conf "; }

for file in "$dir"/{client,osd,mon}.pid; do
  [ -s "$file" ] || continue
  pid=$(cat "$file")
  # At once: what a clean end would save is thrown away, and takes seconds.
  for _ in $(seq 50); do
    is_ours "$pid" || break
    kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
done
