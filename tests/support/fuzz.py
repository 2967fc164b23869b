"""Requests that no caller should send, and what must be true of every answer to one.

The strategies draw little: most of a request is picked from lists, so that it costs less to make than to serve.
"""

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from bosh_kubernetes_cpi import dispatch
from tests.support.cpi_process import Answer, checked

Json = dict[str, Any]

LONGEST_MESSAGE = 5000  # characters

# What exists on the API server, to be hit now and then.
MACHINES, DISKS = ("vm-a", "vm-b"), ("disk-a", "disk-b")

OTHER_METHODS = (
    *("ping", "current_vm_id", "calculate_vm_cloud_properties", "configure_networks", "create_network"),
    *("delete_network", "resize_disk", "update_disk", "snapshot_disk", "delete_snapshot", "validate_deployment"),
    *("", "__init__", "info ", "INFO", "answer", "\ud800", "é", "x" * 10_000, "../info", "has_vm\0"),
)
TEXTS = (
    *("a", " ", "\0", "\n", "a\nb", "/", "..", "../../secrets", "vm-1/../vm-a", "vm-a?watch=true", "vm-a#", "%2e%2e"),
    *("%s%n", "VM-A", "ä", "\U0001f600", "\u2028", "\x7f", "-", ".", "a" * 57, "a" * 58),
    *("a" * 300, "null", "0", "1e999", "{}", "[]", "Invalid Method: x", "sha256:" + "0" * 64, "x" * 100_000),
    *("disk-unknown", "vm-unknown", "stemcell-0123456789abcdef0123", "10.0.0.1", "::1", "10.0.0.999", "dynamic", "vip"),
)
NUMBERS = (0, -1, 1, 2, 3, 4, 2**31, 2**63, 2**64, 10**30, 10**400, 0.5, -0.0, 1e308)
UNSENDABLE = ("\ud800", "\udfff\ud800", {"\ud800": 1}, float("nan"), float("inf"))
# Keys that mean something somewhere.
KEYS = (
    *("bosh", "mbus", "group", "urls", "cert", "type", "ip", "dns", "default", "gateway", "cloud_properties", "name"),
    *("cpu", "memory", "ram", "ephemeral_disk_size", "root_disk", "zone", "node_selector", "tolerations", "labels"),
    *(
        "annotations",
        "static_ip",
        "ports",
        "preset",
        "storage_class",
        "access_mode",
        "snapshot_class",
        "attributes_class",
        "tags",
        "",
        "a" * 300,
    ),
)
# None of these is the address of a server.
SERVERS = ("http://x", "https://", "https://a b", "https://u:p@h", "https://h:0", "https://h/?x", "\0", "https://[", 7)
VERSIONS = (1, 0, 4, -1, 2.0, 10**400, "2", None, True, [2], "x" * 100_000)
PIECES = (
    b"",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b'"',
    b"}",
    b"[",
    b"\\ud800",
    b"\xef\xbb\xbf",
    b"NaN",
    b"1e999",
    b"9" * 5000,
)
JUNK = (
    *(
        b"[" * 100_000,
        b'{"method":' * 50_000,
        b"9" * 5000,
        b"{}" * 1000,
        b"null",
        b'"method"',
        b"\xff\xfe{\0}\0",
        b"[]",
    ),
    *(
        b'{"method":"info"}' + b" " * 100_000,
        b'{"method":"info","method":"has_vm"}',
        b'{"method":"info"}{"method":"info"}',
    ),
)


def pick(*options: Any) -> st.SearchStrategy[Any]:
    """One of `options`; as sampled_from, which shows them all in its name, however large they are."""
    return st.integers(0, len(options) - 1).map(options.__getitem__)


def nested(depth: int, form: int) -> Any:
    """A value so deep; `form` 0: lists, 1: objects, 2: both."""
    value: Any = "x"
    for level in range(depth):
        value = {"a": value} if form == 1 or (form == 2 and level % 2) else [value]
    return value


texts = st.one_of(pick(*TEXTS), pick(*TEXTS), pick(*MACHINES, *DISKS, ""), st.text(max_size=8))
names = texts.map(lambda text: text or "x")
scalars = st.one_of(texts, pick(None, True, False, *NUMBERS))
keys = st.one_of(pick(*KEYS), texts)
flat = st.one_of(st.lists(scalars, max_size=2), st.dictionaries(keys, scalars, max_size=2))
objects = st.dictionaries(keys, st.one_of(scalars, flat), max_size=3)
values = st.one_of(
    scalars, flat, objects, pick(*UNSENDABLE), st.builds(nested, pick(50, 110, 250, 480, 900), st.integers(0, 2))
)

GOOD = {"director_uuid": "fuzz", "request_id": "cpi-1", "vm": {"stemcell": {"api_version": 3}}}
blocks = st.fixed_dictionaries({"server": pick(*SERVERS)}, optional={"token": scalars, "ca": scalars, "proxy": scalars})
contexts = st.one_of(
    pick(None, [], "context", 7, {}),
    st.tuples(
        pick("director_uuid", "vm", "request_id", "namespace", "agent", "machines", "disks", "timeouts", "other"),
        values,
    ).map(lambda pair: {**GOOD, pair[0]: pair[1]}),
    st.one_of(blocks, scalars).map(lambda block: {**GOOD, "kubernetes": block}),
)


def plausible(stemcell: str) -> dict[str, st.SearchStrategy[Any]]:
    """By the name of an argument: of the right type, and often just right. No image on another server is named: the CPI
    would ask there for it, and rightly so.
    """
    properties = st.one_of(pick({}, None), objects)
    network = st.one_of(pick({"type": "dynamic"}, {"ip": "10.0.0.9"}), objects, scalars)
    vms, disks = st.one_of(pick(*MACHINES), names), st.one_of(pick(*DISKS), names)
    return {
        "vm_cid": vms,
        "disk_cid": disks,
        "stemcell_cid": st.one_of(st.just(stemcell), names),
        "agent_id": names,
        "image_path": texts,
        "size": st.one_of(st.just(1), pick(*NUMBERS)),
        "new_size": st.one_of(st.just(1), pick(*NUMBERS)),
        "networks": st.one_of(pick({}, {"default": {"type": "dynamic"}}), st.dictionaries(texts, network, max_size=2)),
        "disk_cids": st.one_of(st.lists(disks, max_size=2), st.none()),
        "metadata": objects,
        "env": st.one_of(
            properties, st.builds(nested, pick(90, 900), st.integers(0, 2)).map(lambda value: {"bosh": value})
        ),
        "cloud_properties": properties,
    }


def argument_names(method: str) -> list[str]:
    return [name.strip("[]") for name, _ in dispatch.METHODS.get(method, ("", 0.0, ()))[2]]


def documents(stemcell: str) -> st.SearchStrategy[Any]:
    """Requests that are wrong in one place, or in none that can be seen from outside."""
    known = plausible(stemcell)
    methods, others, versions = pick(*dispatch.METHODS), pick(*OTHER_METHODS), pick(*VERSIONS)
    places = pick("", "", "", "", "method", "argument", "argument", "arity", "context", "envelope", "version")

    @st.composite
    def document(draw: st.DrawFn) -> Any:
        wrong = draw(places)
        method = draw(others if wrong == "method" else methods)
        arguments = [draw(known.get(name, values)) for name in argument_names(method)]
        request = {"method": method, "arguments": arguments, "context": GOOD, "api_version": 2}
        if wrong == "argument" and arguments:
            arguments[draw(st.integers(0, len(arguments) - 1))] = draw(values)
        elif wrong == "arity":
            request["arguments"] = draw(pick(arguments[:-1], [*arguments, {}], None, {}, "x", [None] * 6, [[]] * 6))
        elif wrong == "context":
            request["context"] = draw(contexts)
        elif wrong == "version":
            request["api_version"] = draw(versions)
        elif wrong == "envelope":
            del request[draw(pick(*request))]
        return request

    return document()


class Request(bytes):
    """What goes to standard input; a failing test shows its beginning."""

    def __repr__(self) -> str:
        return f"{len(self)} bytes: {bytes(self[:1000])!r}"


def requests(stemcell: str) -> st.SearchStrategy[Request]:
    whole = documents(stemcell).map(lambda value: json.dumps(value).encode())
    broken = st.builds(
        damaged, whole, st.integers(0, 400), st.one_of(pick(*PIECES), st.binary(max_size=4)), pick(0, 1, 3)
    )
    recoded = st.builds(lambda text, form: text.decode().encode(form), whole, pick("utf-16", "utf-32"))
    junk = st.one_of(pick(*JUNK), st.binary(max_size=30), recoded)
    kinds = [whole, broken, whole, junk]
    return st.integers(0, len(kinds) - 1).flatmap(kinds.__getitem__).map(Request)


def damaged(text: bytes, place: int, piece: bytes, gone: int) -> bytes:
    """`text` with `piece` at `place` instead of as many bytes as are `gone`."""
    place %= len(text) + 1
    return text[:place] + piece + text[place + gone :]


def sound(stdout: bytes, stderr: bytes, code: int, *, secrets: Sequence[str]) -> Answer:
    """The answer, once it is seen to be one, about the request and not about us."""
    answer = checked(stdout, stderr, code)
    said = (answer.error or {"message": ""})["message"]
    assert "fault of the CPI" not in said, said
    assert len(said) <= LONGEST_MESSAGE, f"{len(said)}: {said[:100]}"
    for text in (said, answer.stderr):
        assert "Traceback" not in text
        assert not any(secret in text for secret in secrets)
    return answer
