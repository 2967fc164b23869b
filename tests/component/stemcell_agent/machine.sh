#!/bin/sh
# A machine without a cluster: boots the root file system LOWER, with what it changes kept in CHANGES, in new namespaces.
#   unshare --mount --uts --pid --net --fork --kill-child machine.sh LOWER CHANGES [SHIM]
# CHANGES/disks/* are bound to /warden-cpi-dev, CHANGES/settings.json becomes the settings file, SHIM the guest's `mount`.
# CHANGES/mounted-resolv.conf, if there, is left as a mount on /etc/resolv.conf, as a kubelet does. With
# CHANGES/bare-run nothing is made in /run, which resolvconf's boot service does on a real VM.
set -eu
lower=$1 changes=$2 shim=${3:-}
root=$changes/root
mount --make-rprivate /
mkdir -p "$root" "$changes/upper" "$changes/work" "$changes/data"
mount -t overlay -o "lowerdir=$lower,upperdir=$changes/upper,workdir=$changes/work" machine "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
if [ ! -e "$changes/bare-run" ]; then
  mkdir -p "$root/run/resolvconf/interface"
  touch "$root/run/resolvconf/enable-updates" "$root/run/resolvconf/resolv.conf"
fi
mount -t tmpfs tmpfs "$root/dev"
for node in null zero random urandom; do
  : > "$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
mount --bind "$changes/data" "$root/var/vcap/data"
for disk in "$changes"/disks/*; do
  [ -e "$disk" ] || continue
  mkdir -p "$root/warden-cpi-dev/${disk##*/}"
  mount --bind "$disk" "$root/warden-cpi-dev/${disk##*/}"
done
if [ ! -L "$root/etc/resolv.conf" ]; then echo "nameserver 192.0.2.53" > "$root/etc/resolv.conf"; fi
if [ -e "$changes/mounted-resolv.conf" ]; then mount --bind "$changes/mounted-resolv.conf" "$root/etc/resolv.conf"; fi
install -m 600 "$changes/settings.json" "$root/var/vcap/bosh/warden-cpi-agent-env.json"
if [ -n "$shim" ]; then install -m 755 "$shim" "$root/var/vcap/bosh/bin/mount"; fi
ip link set lo up
cd "$root"
mkdir -p run/old
pivot_root . run/old
umount -l run/old
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/sbin/runsvdir-start
