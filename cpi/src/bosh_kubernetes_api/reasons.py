"""Reasons that the operator puts into conditions and disks, and that the CPI turns into verdicts.

They are part of the API: renaming one is a breaking change. `printableStatus` is the word a person sees for each.
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
