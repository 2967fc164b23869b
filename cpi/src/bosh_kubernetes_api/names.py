"""Names, labels and annotations of every object that the CPI or the operator makes (docs/architecture.md)."""

GROUP = "cpi.bosh.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
MACHINES = "virtualmachines"
STEMCELLS = "stemcells"

FINALIZER = f"{GROUP}/machine"
LEASE = "bosh-kubernetes-operator"
DISKS_DIRECTORY = "/warden-cpi-dev"

DIRECTOR = f"{GROUP}/director"
AGENT = f"{GROUP}/agent"
MACHINE = f"{GROUP}/machine"
DISK = f"{GROUP}/disk"
STEMCELL = f"{GROUP}/stemcell"
ROLE = f"{GROUP}/role"
MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGER = "bosh-kubernetes"

METADATA = f"{GROUP}/metadata"
DELETING = f"{GROUP}/deleting"
SNAPSHOT_CLASS = f"{GROUP}/snapshot-class"
METADATA_LABEL_PREFIX = "bosh.io/"

ROLE_MACHINE = "machine"
ROLE_ATTACHMENT = "attachment"
ROLE_GROWTH = "growth"
ROLE_DISK = "disk"
ROLE_ROOT = "root"
ROLE_SETTINGS = "settings"
ROLE_CREDENTIALS = "credentials"
ROLE_ADDRESS = "address"
ROLE_FIRMWARE = "firmware"
ROLE_SNAPSHOT = "snapshot"
ROLE_BUDGET = "budget"

_EDGE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_INNER = _EDGE | frozenset("-_.")
_CID = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def is_cid(value: object) -> bool:
    """Whether `value` has the form of a CID of ours: `[a-z0-9-]{1,57}`, so that a suffix still fits a label value."""
    return isinstance(value, str) and 0 < len(value) <= 57 and _CID.issuperset(value)


def new_cid(kind: str) -> str:
    """A fresh CID: kind is `vm`, `disk` or `snapshot`."""
    import uuid

    return f"{kind}-{uuid.uuid4()}"


def is_machine_cid(value: object) -> bool:
    """Whether `value` may be a machine that create_vm has made."""
    return is_cid(value) and str(value).startswith("vm-")


def stemcell_cid(image: str) -> str:
    """CID of the stemcell that runs `image` (`repository@sha256:…`): the same image is the same stemcell."""
    return f"stemcell-{_hash(image)}"


def disk_path(disk_cid: str) -> str:
    """Where the guest sees a disk, and the hint that attach_disk answers."""
    return f"{DISKS_DIRECTORY}/{disk_cid}"


def root_claim(vm_cid: str) -> str:
    return f"{vm_cid}-root"


def address_service(address: str) -> str:
    """Name of the Service that holds a static address; creating it is the check that nobody else does."""
    return "ip-" + address.replace(".", "-").replace(":", "-")


def budget(group: str) -> str:
    """Name of the PodDisruptionBudget of an instance group, which `group` tells from those of other Directors."""
    return f"group-{_hash(group)}"


def is_label_value(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 63:
        return False
    return not value or (_INNER.issuperset(value) and value[0] in _EDGE and value[-1] in _EDGE)


def label_value(value: str) -> str:
    """`value` where it is a legal label value, else a stable stand-in for it."""
    return value if is_label_value(value) else f"sha256-{_hash(value)}"


def labels(role: str, **values: str) -> dict[str, str]:
    """Labels of one object. Keys of `values`: director, agent, machine, disk, stemcell; empty values are left out."""
    result = {MANAGED_BY: MANAGER, ROLE: role}
    for key, value in values.items():
        if value:
            result[f"{GROUP}/{key}"] = label_value(value)
    return result


def selector(**values: str) -> str:
    """A label selector; keys as in `labels`, and `role`."""
    return ",".join(f"{GROUP}/{key}={label_value(value)}" for key, value in values.items())


def _hash(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:20]
