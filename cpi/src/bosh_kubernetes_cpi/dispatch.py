"""From the text of a request to the answer: one table says what there is."""

from __future__ import annotations

import json
import re
import sys

from . import log, versions
from .call import Call
from .errors import Failure, Fault, RequestError, UnknownMethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Json = dict[str, Any]

# Kinds of arguments and results. One that ends in OR_NULL takes null, as some callers send it for what a manifest
# leaves out.
OR_NULL = " or null"
TEXT, WHOLE, OBJECT, TEXTS = "a string", "a whole number", "an object", "a list of strings"
NAME, SWITCH, NOTHING = "a non-empty string", "true or false", "null"
HINT, MACHINE = "a non-empty object of strings", "a list of a CID and an object"

DEEPEST = 100  # levels of lists and objects in a request: what is sent on is walked through by recursion
LONGEST_MESSAGE = 4000  # characters of an error

# Method: module in methods/, limit of time in seconds (the only such table), arguments in their order, result (all by
# contract 2.2). An argument in brackets may be missing. Arguments beyond these are ignored, as newer versions of the
# API add some.
METHODS: dict[str, tuple[str, float, tuple[tuple[str, str], ...], str]] = {
    "info": ("info", 10, (), OBJECT),
    "ping": ("info", 10, (), NAME),
    "current_vm_id": ("info", 10, (), NOTHING),
    "create_stemcell": (
        "stemcells",
        7200,
        (("image_path", TEXT), ("cloud_properties", OBJECT + OR_NULL), ("[env]", OBJECT + OR_NULL)),
        NAME,
    ),
    "delete_stemcell": ("stemcells", 300, (("stemcell_cid", NAME),), NOTHING),
    "create_vm": (
        "create_vm",
        2400,
        (
            ("agent_id", NAME),
            ("stemcell_cid", NAME),
            ("cloud_properties", OBJECT + OR_NULL),
            ("networks", OBJECT),
            ("disk_cids", TEXTS + OR_NULL),
            ("env", OBJECT + OR_NULL),
        ),
        MACHINE,
    ),
    "delete_vm": ("delete_vm", 900, (("vm_cid", NAME),), NOTHING),
    "has_vm": ("has_vm", 60, (("vm_cid", NAME),), SWITCH),
    "reboot_vm": ("reboot_vm", 600, (("vm_cid", NAME),), NOTHING),
    "set_vm_metadata": ("metadata", 60, (("vm_cid", NAME), ("metadata", OBJECT)), NOTHING),
    "calculate_vm_cloud_properties": ("vm_sizes", 10, (("vm_resources", OBJECT),), OBJECT),
    "create_disk": (
        "disks",
        120,
        (("size", WHOLE), ("cloud_properties", OBJECT + OR_NULL), ("[vm_cid]", TEXT + OR_NULL)),
        NAME,
    ),
    "delete_disk": ("disks", 300, (("disk_cid", NAME),), NOTHING),
    "has_disk": ("disks", 60, (("disk_cid", NAME),), SWITCH),
    "resize_disk": ("resize_disk", 900, (("disk_cid", NAME), ("new_size", WHOLE)), NOTHING),
    "update_disk": (
        "update_disk",
        1800,
        (("disk_cid", NAME), ("new_size", WHOLE), ("cloud_properties", OBJECT + OR_NULL)),
        NAME + OR_NULL,
    ),
    "attach_disk": ("attachments", 600, (("vm_cid", NAME), ("disk_cid", NAME)), HINT),
    "detach_disk": ("attachments", 600, (("vm_cid", NAME), ("disk_cid", NAME)), NOTHING),
    "get_disks": ("attachments", 60, (("vm_cid", NAME),), TEXTS),
    "set_disk_metadata": ("metadata", 60, (("disk_cid", NAME), ("metadata", OBJECT)), NOTHING),
    "snapshot_disk": ("snapshots", 1800, (("disk_cid", NAME), ("metadata", OBJECT + OR_NULL)), NAME),
    "delete_snapshot": ("snapshots", 300, (("snapshot_cid", NAME),), NOTHING),
    "create_network": ("networks", 10, (("subnet", OBJECT),), NOTHING),
    "delete_network": ("networks", 10, (("network_cid", NAME),), NOTHING),
    "configure_networks": ("networks", 10, (("vm_cid", NAME), ("networks", OBJECT)), NOTHING),
}


def answer(text: bytes, config_path: str, begin: Callable[[float], None]) -> Json:
    """The answer to one request; it always has the three keys, and raises nothing but what ends a process.

    `begin` is told the method's limit in seconds when it is known.
    """
    request: Json = {}
    call: Call | None = None
    try:
        request = parse(text)
        module, limit, shapes, kind = _known(request["method"])
        arguments = check(request["method"], request["arguments"], shapes)
        version = versions.requested(request.get("api_version"))
        call = Call(request["method"], request["context"], version=version, config_path=config_path, limit=limit)
        log.begin(call.method, lambda text: _redacted(text, request, call))
        begin(limit)
        name = f"{__package__}.methods.{module}"
        __import__(name)  # what importlib.import_module does, without the 2 % of `info` that importlib takes to load
        serve = getattr(sys.modules[name], call.method)
        result = serve(call, *arguments)
        if not _is(kind, result):
            raise Fault(f"a fault of the CPI: its result is not {kind}; please report it")
        return {"result": versions.told(version, call.method, result), "error": None, "log": ""}
    except Failure as failure:
        return error(failure.type, _redacted(failure.message, request, call), failure.ok_to_retry)
    except Exception as fault:
        return error(Fault.type, f"a fault of the CPI: {_where(fault)}; please report it", False)


def error(kind: str, message: str, ok_to_retry: bool) -> Json:
    """An answer that is an error. Two beginnings of a message mean "not implemented" to callers (contract 1.6), and the
    command line client prints the message as a format string: a % in it would mangle what follows. What a message
    quotes may be of any length: it is cut.
    """
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[:LONGEST_MESSAGE]} ... (cut, {len(message)} characters)"
    message = re.sub(r" ?%", " percent ", message).replace("percent  ", "percent ").rstrip()
    if message.startswith(("Invalid Method:", "Method is not known, got")):
        message = f"error: {message}"
    return {"result": None, "error": {"type": kind, "message": message, "ok_to_retry": ok_to_retry}, "log": ""}


def parse(text: bytes) -> Json:
    """The request, with `arguments` a list and `context` an object. Raises RequestError, which never quotes it."""
    try:
        written = text.decode()
        request = json.loads(written, parse_float=_finite, parse_constant=_finite)
        if "\\ud" in written or "\\uD" in written:
            json.dumps(request, ensure_ascii=False).encode()  # half a character could be sent to nobody
    except (ValueError, RecursionError) as fault:
        raise RequestError(f"the request is no JSON document ({len(text)} bytes)") from fault
    if written.count("[") + written.count("{") > DEEPEST and _is_deeper(request):
        raise RequestError(f"the request is nested deeper than {DEEPEST} levels")
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise RequestError("the request is no JSON object with a string `method`")
    for key, kind, empty in (("arguments", list, []), ("context", dict, {})):
        if request.get(key) is None:
            request[key] = empty
        if not isinstance(request[key], kind):
            raise RequestError(f"`{key}` of the request is no {'array' if kind is list else 'object'}")
    return request


def _finite(text: str) -> float:
    """A number of the request. Raises ValueError for what Python reads and JSON does not have (NaN, 1e999)."""
    number = float(text)
    if number - number != 0:
        raise ValueError("no finite number")
    return number


def _is_deeper(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        items = [item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer)]
        level = [item for item in items if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


def check(method: str, arguments: list[Any], shapes: tuple[tuple[str, str], ...]) -> list[Any]:
    """The arguments that the method takes; null where an optional one is missing. Raises RequestError."""
    result: list[Any] = []
    for place, (name, kind) in enumerate(shapes):
        if place >= len(arguments):
            if not name.startswith("["):
                wanted = ", ".join(name for name, _ in shapes)
                raise RequestError(f"{method} takes ({wanted}); {len(arguments)} were given, {name} is missing")
            result.append(None)
            continue
        value = arguments[place]
        if not _is(kind, value):
            raise RequestError(f"{method}: argument {place + 1}, {name.strip('[]')}, must be {kind}")
        result.append(value)
    return result


def _is(kind: str, value: Any) -> bool:
    if kind.endswith(OR_NULL):
        return value is None or _is(kind[: -len(OR_NULL)], value)
    if kind == NOTHING:
        return value is None
    if kind == NAME:
        return isinstance(value, str) and bool(value)
    if kind == TEXTS:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == HINT:
        return isinstance(value, dict) and bool(value) and all(isinstance(item, str) for item in value.values())
    if kind == MACHINE:
        return isinstance(value, list) and len(value) == 2 and _is(NAME, value[0]) and _is(OBJECT, value[1])
    if kind == WHOLE:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {TEXT: str, OBJECT: dict, SWITCH: bool}[kind])


def _known(method: str) -> tuple[str, float, tuple[tuple[str, str], ...], str]:
    if method not in METHODS:
        raise UnknownMethod(f"the method {method[:64]!r} is not implemented by this CPI")
    return METHODS[method]


def _redacted(message: str, request: Json, call: Call | None) -> str:
    """`message` without create_vm's env and the configuration's credentials; the context's are among these."""
    from .redaction import kept, redact, texts

    env = request["arguments"][5:6] if request.get("method") == "create_vm" else []
    return redact(message, texts(env) | kept() | (call.secrets() if call else set()))


def _where(fault: Exception) -> str:
    """Kind and place of a fault; its text may quote anything."""
    place = fault.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return type(fault).__name__
    return f"{type(fault).__name__} in {place.tb_frame.f_globals.get('__name__')} line {place.tb_lineno}"
