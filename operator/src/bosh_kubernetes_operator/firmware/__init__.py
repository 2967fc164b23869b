"""The firmware: shell scripts that run in machine and attachment Pods, shipped as one immutable ConfigMap.

Every file beside this one, without suffix, is one key of the ConfigMap and appears at /firmware in the container.
docs/machine.md tells what each does. They run under dash and busybox sh, with util-linux and e2fsprogs of the stemcell.
"""
