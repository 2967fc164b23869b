"""The schema of cloud_properties (of VMs, disks, networks and stemcells): every key there is, and how it is read. Pure.

docs/cloud_properties.md shows it: `make docs` writes the tables there, a test compares them.
"""

from __future__ import annotations

from .errors import BadProperty, RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Json = dict[str, Any]

LONGEST = 64  # characters of an unknown key in a message


class Kind:
    """What a value may be. `words` complete "must be"; `take` gives the value as it is used, None for a wrong one."""

    __slots__ = ("take", "words")

    def __init__(self, words: str, take: Callable[[Any], Any]) -> None:
        self.words = words
        self.take = take


class Property:
    """One key.

    `kind`: a Kind, or a schema for an object with keys of its own. `unit`: of a number. `default`: the value of a key
    that is not given; `setting`: the key of the configuration that holds it. `alias`: the key that this is another name
    of; `ignored`: allowed, but without a meaning here.
    """

    __slots__ = ("alias", "default", "ignored", "kind", "meaning", "setting", "unit")

    def __init__(
        self,
        kind: Kind | Schema,
        meaning: str = "",
        *,
        unit: str = "",
        setting: str = "",
        default: str = "",
        alias: str = "",
        ignored: bool = False,
    ) -> None:
        self.kind = kind
        self.meaning = meaning
        self.unit = unit
        self.setting = setting
        self.default = default
        self.alias = alias
        self.ignored = ignored


if TYPE_CHECKING:
    Schema = dict[str, Property]


def _cores(value: Any) -> str | None:
    """As the CRD takes them: `2`, `0.5`, `500m`."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = str(value)
    whole, dot, part = text.removesuffix("m").partition(".")
    digits = whole + part
    fits = len(text) <= 32 and bool(whole) and bool(part or not dot) and digits.isascii() and digits.isdigit()
    return text if fits and digits.strip("0") else None


def _label(value: Any) -> str | None:
    """YAML makes a number of `version: 1.5`."""
    return str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


def _texts(value: Any) -> Any:
    return value if isinstance(value, list) and all(isinstance(item, str) and item for item in value) else None


def _map(value: Any) -> Any:
    return value if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()) else None


def _maps(value: Any) -> Any:
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _ports(value: Any) -> Any:
    return value if isinstance(value, list) and all(_is_whole(port) and port < 65_536 for port in value) else None


def _one_of(*words: str) -> Kind:
    return Kind(f"one of {', '.join(words)}", lambda value: value if value in words else None)


TEXT = Kind("a string", lambda value: value if isinstance(value, str) else None)
LABEL = Kind("a string or a number", _label)
WHOLE = Kind("a whole number above 0", lambda value: value if _is_whole(value) else None)
CORES = Kind("a number of cores above 0, or a quantity such as 500m", _cores)
TEXTS = Kind("a list of non-empty strings", _texts)
MAP = Kind("an object of strings", _map)
MAPS = Kind("a list of objects", _maps)
PORTS = Kind("a list of ports, 1 to 65535", _ports)
ANYTHING = Kind("anything", lambda value: value)


VM: Schema = {
    "cpu": Property(CORES, "cores, both requested and the limit", setting="machines.cpu"),
    "memory": Property(WHOLE, "memory, both requested and the limit", unit="MiB", setting="machines.memory"),
    "ram": Property(WHOLE, unit="MiB", alias="memory"),
    "ephemeral_disk_size": Property(
        WHOLE, "size of the root disk, which also holds `/var/vcap/data`", unit="MiB",
        setting="machines.ephemeral_disk_size",
    ),
    "root_disk": Property({
        "storage_class": Property(
            TEXT, "the root disk is a claim of this class, and survives the loss of the node; without one it lives on "
            "the node", setting="machines.root_storage_class",
        ),
    }),
    "node": Property(TEXT, "runs on the node with this `kubernetes.io/hostname`"),
    "zone": Property(TEXT, "runs on nodes with this `topology.kubernetes.io/zone`"),
    "region": Property(TEXT, "runs on nodes with this `topology.kubernetes.io/region`"),
    "node_selector": Property(MAP, "runs on nodes that have these labels"),
    "tolerations": Property(MAPS, "taints of nodes that the machine bears, as in a Pod"),
    "priority_class": Property(TEXT, "the Pod's PriorityClass"),
    "runtime_class": Property(TEXT, "the Pod's RuntimeClass"),
    "labels": Property(MAP, "further labels of the Pod"),
    "annotations": Property(MAP, "further annotations of the Pod"),
    "image_pull_secrets": Property(
        TEXTS, "Secrets of the namespace with which nodes pull the image, beside the stemcell's"
    ),
    "static_ip": Property({
        "ports": Property(
            PORTS, "the address of a manual network is a Service with these ports; of every network that names none "
            "itself",
        ),
    }),
}  # fmt: skip

DISK: Schema = {
    "storage_class": Property(TEXT, "class of the claim", setting="disks.storage_class"),
    "access_mode": Property(
        _one_of("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"), "access mode of the claim",
        default="ReadWriteOnce",
    ),
    "snapshot_class": Property(
        TEXT, "VolumeSnapshotClass of its snapshots; without one the default class of the disk's driver"
    ),
    "attributes_class": Property(
        TEXT, "VolumeAttributesClass: what the storage gives the volume (IOPS, say); may change later"
    ),
    "name": Property(TEXT, "the Director names dynamic disks", ignored=True),
}  # fmt: skip

NETWORK: Schema = {
    "static_ip": Property({
        "ports": Property(
            PORTS, "the address of a manual network is a Service with these ports; without them those of the VM's "
            "`static_ip`",
        ),
    }),
    "preset": Property(
        _one_of("calico", "kube-ovn"), "this CNI plugin gives the Pod the address of a manual network, by an annotation"
    ),
}  # fmt: skip

STEMCELL: Schema = {
    "image_reference": Property(
        TEXT, "`[host/]repository[:tag][@digest]`: makes it a light stemcell; nodes pull this image, and the "
        "stemcell's file is not read",
    ),
    "image": Property(TEXT, alias="image_reference"),
    "digest": Property(
        TEXT, "`sha256:…` of that image; without it the registry is asked what the tag stands for"
    ),
    "image_pull_secrets": Property(
        TEXTS, "Secrets of the namespace with which nodes pull the image, beside `registry.pull_secrets`"
    ),
    "name": Property(LABEL, "shown by `kubectl get bstemcell`"),
    "version": Property(LABEL, "shown by `kubectl get bstemcell`"),
    "os_distro": Property(LABEL, "operating system, shown by `kubectl get bstemcell`"),
    "os_type": Property(LABEL, "operating system where there is no `os_distro`"),
    "architecture": Property(LABEL, "shown by `kubectl get bstemcell`; goes into a heavy stemcell's image"),
    # What stemcell builders write into every stemcell.MF (bosh-linux-stemcell-builder, stemcell_packager.rb).
    **{
        key: Property(ANYTHING, "of stemcell builders, for clouds with disk images", ignored=True)
        for key in (
            "infrastructure", "hypervisor", "disk", "disk_format", "container_format", "root_device_name",
            "auto_disk_config",
        )
    },
}  # fmt: skip


def read(schema: Schema, values: Json | None, owner: str, config: Json | None = None) -> Json:
    """What `values` say: checked, under the first names of the keys, and with the defaults that `config` has.

    Empty values (null, `""`, `[]`, `{}`) count as not given. Raises BadProperty, which names `owner` ("the VM",
    "network 'a'") and the key, and quotes no value; RequestError for a default that is none.
    """
    result = _checked(schema, values or {}, f"cloud_properties of {owner}: ", "", schema)
    if config is not None:
        _fill(schema, result, config)
    return result


def _checked(schema: Schema, values: Json, where: str, prefix: str, whole: Schema) -> Json:
    result: Json = {}
    spelt: dict[str, str] = {}
    for key, value in values.items():
        path = f"{prefix}{key}"
        known = schema.get(key)
        if known is None:
            from .words import nearest

            path = path[:LONGEST]
            raise BadProperty(f"{where}unknown key {path!r}{nearest(path, paths(whole))}")
        if value is None or value in ("", [], {}):
            continue
        if isinstance(known.kind, dict):
            if not isinstance(value, dict):
                raise BadProperty(f"{where}{path} must be an object with {', '.join(known.kind)}")
            taken = _checked(known.kind, value, where, f"{path}.", whole)
        else:
            taken = known.kind.take(value)
            if taken is None:
                raise BadProperty(f"{where}{path} must be {known.kind.words}")
        name = known.alias or key
        if result.get(name, taken) != taken:
            raise BadProperty(f"{where}{spelt[name]} and {key} contradict each other: leave one out")
        if taken not in ("", {}) and not known.ignored:
            result[name] = taken
            spelt[name] = key
    return result


def _fill(schema: Schema, values: Json, config: Json) -> None:
    for key, known in schema.items():
        if isinstance(known.kind, dict):
            inner = values.get(key, {})
            _fill(known.kind, inner, config)
            if inner:
                values[key] = inner
        elif key not in values:
            value = _default(known, known.kind, config)
            if value:
                values[key] = value


def _default(known: Property, kind: Kind, config: Json) -> Any:
    if not known.setting:
        return known.default
    section, _, name = known.setting.partition(".")
    value = config[section][name]
    if value in ("", None):
        return None
    taken = kind.take(value)
    if taken is None:
        raise RequestError(f"configuration: {known.setting} must be {kind.words}")
    return taken


def paths(schema: Schema, prefix: str = "") -> Iterator[str]:
    """Every key of a schema, in full: `root_disk.storage_class`."""
    for key, known in schema.items():
        if isinstance(known.kind, dict):
            yield from paths(known.kind, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
