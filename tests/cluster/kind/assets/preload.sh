#!/bin/sh
# Put image archives into the content store of a node's root, pinned and not unpacked, by a containerd of our own.
# Arguments: ROOT (of the node), PROGRAMS (folder with containerd and ctr), ARCHIVE...
set -eu
root=$1 programs=$2
shift 2
state=$(mktemp -d)
process=
finish() {
  if [ -n "$process" ] && kill "$process" 2>/dev/null; then wait "$process" || true; fi
  awk -v prefix="$state/" 'index($5, prefix) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r mount; do umount "$mount"; done
  rm -rf "$state"
}
trap finish EXIT
trap 'exit 1' INT TERM
cat >"$state/config.toml" <<TOML
version = 3
root = "$root/var/lib/containerd"
state = "$state/state"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
address = "$state/socket"
[ttrpc]
address = "$state/socket.ttrpc"
TOML
# ends with this script, also when that is killed
setpriv --pdeathsig KILL "$programs/containerd" -c "$state/config.toml" >"$state/log" 2>&1 &
process=$!
tries=0
until "$programs/ctr" -a "$state/socket" version >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -gt 150 ] || ! kill -0 "$process"; then
    cat "$state/log" >&2
    exit 1
  fi
  sleep 0.2
done
for archive in "$@"; do
  "$programs/ctr" -a "$state/socket" -n k8s.io images import --label=io.cri-containerd.pinned=pinned --no-unpack --local "$archive"
done
