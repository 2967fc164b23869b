"""Reasons that the operator puts into conditions and disks, and that the CPI turns into verdicts.

They are part of the API: renaming one is a breaking change. `printableStatus` is the word a person sees for each.
docs/errors.md has them all, with meaning and remedy (`make docs`).
"""

# Condition `Ready` (and `GuestRunning`, `Scheduled`): reason -> printableStatus
MACHINE = {
    "WaitingForSettings": "Provisioning",
    "PodCreating": "Provisioning",
    "ImagePulling": "Provisioning",
    "Starting": "Starting",
    "Running": "Running",
    "Rebooting": "Rebooting",
    "Stopped": "Stopped",
    "Paused": "Paused",
    "Terminating": "Terminating",
    "ImageNotFound": "ImagePullFailed",
    "ImageDenied": "ImagePullFailed",
    "ImagePullFailed": "ImagePullFailed",
    "Unschedulable": "Unschedulable",
    "ClaimPending": "WaitingForVolume",
    "ClaimMissing": "WaitingForVolume",
    "WaitingForDisk": "WaitingForVolume",
    "DiskLost": "WaitingForVolume",
    "NodeUnreachable": "NodeUnreachable",
    "RootLost": "RootLost",
    "QuotaExceeded": "Failed",
    "PodRefused": "Failed",
    "AddressInUse": "Failed",
    "GuestCrashing": "Failed",
    "ContainerFailed": "Failed",
}

GUEST_OFF = "the guest is stopped"  # message of `Stopped` when the guest is off, not only told to be

MACHINE_MEANING = {
    "WaitingForSettings": "the ConfigMap, which create_vm makes last, is not there yet",
    "PodCreating": "the Pod is being made, or waits for its node, volumes and network",
    "ImagePulling": "the node pulls the stemcell's image",
    "Starting": "container or guest start",
    "Running": "the guest's init runs",
    "Rebooting": "the guest reboots",
    "Stopped": "the guest is off: by `spec.power`, or by itself",
    "Paused": "`spec.paused`: a person's hold, under which the operator does nothing",
    "Terminating": "it is being deleted",
    "ImageNotFound": "the registry has no such image",
    "ImageDenied": "the registry does not give the image to the nodes",
    "ImagePullFailed": "the image does not come, for another reason",
    "Unschedulable": "no node has room for it, or none is as its cloud properties ask",
    "ClaimPending": "a claim waits for its volume",
    "ClaimMissing": "a claim that its Pod names is not there",
    "WaitingForDisk": "the guest does not boot before it has all its disks",
    "DiskLost": "the device under a disk is another one than the guest had; the guest is reset",
    "NodeUnreachable": "its node does not report; it may still run",
    "RootLost": "the Pod is gone, and the root disk with it",
    "QuotaExceeded": "the namespace's quota leaves no room for the Pod",
    "PodRefused": "the API server or an admission webhook refuses the Pod",
    "AddressInUse": "something else has the static address",
    "GuestCrashing": "the guest's init ends again and again",
    "ContainerFailed": "the node cannot start the container",
}

# status.disks[].reason: what it means
DISK = {
    "Attached": "the guest sees the disk",
    "ClaimMissing": "there is no claim of that name",
    "ClaimPending": "the claim waits for its volume",
    "ClaimLost": "the claim lost its volume",
    "ClaimDeleting": "delete_disk has marked the claim",
    "DiskInUse": "another machine holds the disk",
    "DiskBusy": "processes in the guest hold the disk open",
    "DiskLost": "the device under a mounted file system went away",
    "Unschedulable": "no attachment Pod can run on the machine's node",
    "QuotaExceeded": "the namespace's quota leaves no room for the attachment Pod",
    "PodRefused": "the API server refused the attachment Pod",
    "MountFailed": "the kubelet cannot mount the volume",
    "Attaching": "under way",
    "Detaching": "under way",
    "WaitingForMachine": "the machine has no node yet",
}

# Reason of the Event that the operator writes about a claim when the API server refuses the Pod that would mount it.
GROWTH_REFUSED = "GrowthRefused"

# What a person can do about a reason, of a machine or a disk; for those that are not here: wait, or nothing.
REMEDY = {
    "Stopped": "`bosh cloud-check` or `reboot_vm` starts it",
    "Paused": 'let it go on: `kubectl patch bvm NAME --type merge -p \'{"spec":{"paused":false}}\'`',
    "ImageNotFound": "upload the stemcell again: `bosh upload-stemcell --fix`; check `registry.pull_host`",
    "ImageDenied": "give the nodes a Secret: `registry.pull_secrets`, `image_pull_secrets`",
    "ImagePullFailed": "see that nodes reach the registry and trust it; `kubectl describe pod NAME`",
    "Unschedulable": "make room, add nodes, or ask for less: one node must have all of cpu, memory and root disk free; "
    "check node, zone, node_selector and tolerations, and where its disks are",
    "ClaimPending": "`kubectl describe pvc NAME`: the provisioner says why",
    "ClaimMissing": "see who deleted it; `bosh cloud-check` drops the reference",
    "ClaimLost": "bring the volume back, or restore a backup",
    "WaitingForDisk": "see its disks: `kubectl get bvm NAME -o yaml`, `status.disks`",
    "DiskLost": "none, unless it comes again: then the storage",
    "NodeUnreachable": "bring the node back; or, when it is certainly off: "
    "`kubectl taint nodes NODE node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`",
    "RootLost": "the resurrector or `bosh recreate` makes it anew; a root disk on a claim (`root_disk`) is lost with "
    "that claim alone",
    "QuotaExceeded": "raise the namespace's quota",
    "PodRefused": "the message has the rule; the namespace must admit privileged Pods",
    "AddressInUse": "the message names the holder; choose another address",
    "GuestCrashing": "`kubectl logs NAME`: the guest's console",
    "ContainerFailed": "`kubectl describe pod NAME`; a stemcell for another processor, say",
    "DiskInUse": "detach it from the other machine first",
    "DiskBusy": "stop the processes that the message names; then detach again",
    "MountFailed": "`kubectl describe pod DISK`: the driver or the file system says why",
}
