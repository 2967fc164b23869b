#!/bin/sh
# A machine's container without a kubelet: the firmware as process 1, this host's own root file system as the stemcell.
#   unshare --mount --uts --pid --net --fork --kill-child container.sh SHELL
# SHELL becomes /bin/sh for the firmware. VOL, DISKS and what else the firmware reads from its environment are set by the
# caller; CLAIM, if set, is the image of a claim's file system and is mounted at VOL. Nothing outside of VOL is written.
set -eu
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs run /run
mkdir /run/dev
mount -t tmpfs dev /run/dev
mkdir /run/dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts /run/dev/pts
(cd /dev && cp -a null zero full random urandom loop-control loop[0-9]* /run/dev/)
ln -s pts/ptmx /run/dev/ptmx
ln -s /proc/self/fd /run/dev/fd
mount --move /run/dev /dev
mount --bind "$DISKS" "$DISKS"
mount --make-shared "$DISKS"
[ -z "${CLAIM:-}" ] || mount -o loop "$CLAIM" "$VOL"
mount --bind "$(command -v "$1")" "$(readlink -f /bin/sh)"
exec /bin/sh "$FW/firmware"
