#!/bin/sh
# Turn a Debian root file system into the root of a kind node: what kind's own images/base/Dockerfile does, without a build.
# Arguments: ROOT (changed in place), KIND (folder of kind's module), PROGRAMS (folder with every program of the node),
# ASSETS (this folder), PAUSE, PROVISIONER, HELPER (image names), VERSION (of Kubernetes).
set -eu
root=$1 kind=$2 programs=$3 assets=$4 pause=$5 provisioner=$6 helper=$7 version=$8
files=$kind/images/base/files

# kind's files: units, configuration, entry point (unmodified)
for folder in usr/local/bin kind etc; do
  mkdir -p "$root/$folder"
  cp -R "$files/$folder/." "$root/$folder/"
done
chmod -R u+w "$root/usr/local/bin" "$root/kind" "$root/etc"
chmod 755 "$root/usr/local/bin/entrypoint" "$root"/kind/bin/*
rm -f "$root/etc/systemd/system/containerd-fuse-overlayfs.service" "$root/usr/local/bin/clean-install"

# units that a container has no use for
units=$root/lib/systemd/system
rm -f "$units/sysinit.target.wants/systemd-tmpfiles-setup.service" "$units"/multi-user.target.wants/* \
  "$root"/etc/systemd/system/*.wants/* "$units"/local-fs.target.wants/* "$units"/basic.target.wants/* \
  "$units"/sockets.target.wants/*udev* "$units"/sockets.target.wants/*initctl*
echo ReadKMsg=no >>"$root/etc/systemd/journald.conf"

# our pause image, no fuse-overlayfs; no negative OOM scores and no raised limits, which need CAP_SYS_RESOURCE
sed -i -e 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' -e "s#sandbox_image = .*#sandbox_image = \"$pause\"#" \
  -e '/^\[proxy_plugins\]/,/containerd-fuse-overlayfs.sock/d' "$root/etc/containerd/config.toml"
sed -i -e '/^OOMScoreAdjust/d' -e '/^Limit/d' "$root/etc/systemd/system/containerd.service"
grep -q 'restrict_oom_score_adj = true' "$root/etc/containerd/config.toml"
grep -q "sandbox_image = \"$pause\"" "$root/etc/containerd/config.toml"

# programs
mkdir -p "$root/opt/cni/bin" "$root/etc/kubernetes/manifests" "$root/lib/modules"
cd "$programs"
install -m 755 containerd containerd-shim-runc-v2 ctr "$root/usr/local/bin/"
install -m 755 runc "$root/usr/local/sbin/"
install -m 755 kubelet kubeadm kubectl "$root/usr/bin/"
install -m 755 ptp host-local loopback portmap "$root/opt/cni/bin/"
./ctr oci spec | "$assets/container-spec.py" >"$root/etc/containerd/cri-base.json"

chroot "$root" systemctl enable kubelet.service containerd.service undo-mount-hacks.service
chroot "$root" systemctl mask systemd-binfmt.service

# what kind reads out of the image
printf 'v%s' "$version" >"$root/kind/version"
mkdir -p "$root/kind/manifests"
cp "$assets/podnet.yaml" "$root/kind/manifests/default-cni.yaml"
# shellcheck disable=SC2016  # the backquotes are those of a Go string
sed -n '/^const defaultStorageManifest = `/,/^`/p' "$kind/pkg/build/nodeimage/const_storage.go" | sed -e 1d -e '$d' \
  -e "s#\` + storageProvisionerImage + \`#$provisioner#" -e "s#\` + storageHelperImage + \`#$helper#" \
  >"$root/kind/manifests/default-storage.yaml"
grep -q "$provisioner" "$root/kind/manifests/default-storage.yaml"
grep -q "$helper" "$root/kind/manifests/default-storage.yaml"

# every node gets a machine-id of its own at its first boot
rm -f "$root/var/lib/dbus/machine-id" "$root/etc/machine-id"
: >"$root/etc/machine-id"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/* \
  "$root"/usr/share/locale/* "$root"/usr/share/info/*
