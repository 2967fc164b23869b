"""What a command of the tool works with: the configuration, connections, and the one way to print."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from .. import config
from ..call import Call
from ..clock import Deadline
from ..connection import connect
from ..dispatch import METHODS
from ..errors import RequestError
from ..redaction import kept, of_config, redact
from ..transport.api import Api

Json = dict[str, Any]

PATIENCE = 600.0  # seconds for all that a command only asks


class Session:
    """`options` are the parsed command line. What cannot be read raises RequestError, when it is first asked for."""

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self._config: Json | None = None
        self._api: Api | None = None
        self._namespace = ""
        self._hidden: set[str] = set()

    @property
    def config(self) -> Json:
        """The effective configuration, of the shape of config.SCHEMA.

        With a kubeconfig beside the file its account is used, but for doctor, which has both.
        """
        if self._config is None:
            own = self.options.command != "doctor" and self._names_kubeconfig
            self._config = self._load(with_kubeconfig=own or not self.options.config)
            self._hidden |= of_config(self._config)
        return self._config

    @property
    def api(self) -> Api:
        if self._api is None:
            self._api, self._namespace = self._connected(self.config)
        return self._api

    @property
    def namespace(self) -> str:
        """The machines' namespace."""
        _ = self.api
        return self._namespace

    def person(self) -> Api:
        """The account of the kubeconfig, where one is named beside the file; else the only one there is."""
        if not (self.options.config and self._names_kubeconfig):
            return self.api
        return self._connected(self._load(with_kubeconfig=True))[0]

    def call(self, method: str, director: str) -> Call:
        """A call of a CPI method for that Director, with a connection and the method's limit of its own."""
        return _Call(method, {"director_uuid": director}, self.config, METHODS[method][1])

    def hide(self, text: str) -> str:
        """`text` without a credential in it, line by line: a longer text would be cut."""
        hidden = self._hidden | kept()
        return "\n".join(redact(line, hidden) for line in text.split("\n"))

    def print(self, text: str) -> None:
        _write(self.hide(text.rstrip("\n")))

    def remark(self, text: str) -> None:
        """Beside the answer: on standard error."""
        sys.stderr.write(self.hide(text.rstrip("\n")) + "\n")

    def print_json(self, value: Any) -> None:
        _write(json.dumps(self._hidden_in(value), indent=2))

    def _hidden_in(self, value: Any) -> Any:
        """In each text by itself: what is cut is still JSON."""
        if isinstance(value, dict):
            return {key: self._hidden_in(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._hidden_in(item) for item in value]
        return self.hide(value) if isinstance(value, str) else value

    @property
    def as_json(self) -> bool:
        return bool(self.options.output == "json")

    @property
    def _names_kubeconfig(self) -> bool:
        return bool(self.options.kubeconfig or self.options.context)

    def _load(self, *, with_kubeconfig: bool) -> Json:
        context: Json = {"namespace": self.options.namespace} if self.options.namespace else {}
        if with_kubeconfig:
            context["kubernetes"] = {"kubeconfig": self._kubeconfig(), "context": self.options.context}
        if self.options.config.endswith((".yml", ".yaml")):
            return config.merge(_properties(self.options.config), context)
        if self.options.config:
            return config.load(self.options.config, context)
        return config.merge({}, context)

    def _kubeconfig(self) -> str:
        """The text of the file, and not its path: that is what the CPI's configuration has."""
        home = Path("~/.kube/config").expanduser()
        files = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
        if not self.options.kubeconfig and len(files) > 1:
            raise RequestError("KUBECONFIG names several files: name one with --kubeconfig")
        named = self.options.kubeconfig or [*files, str(home)][0]
        return _text(named, "kubeconfig", "; name one with --kubeconfig, or the CPI's file with --config")

    def _connected(self, settings: Json) -> tuple[Api, str]:
        self._hidden |= of_config(settings)
        return connect(settings, Deadline(PATIENCE))


def _properties(path: str) -> Json:
    """The job's properties as a person keeps them for `bosh create-env -l`; read as JSON would be."""
    from ..kubeconfig import parsed

    content = parsed(_text(path, "configuration"), f"configuration {path}")
    if not isinstance(content, dict):
        raise RequestError(f"configuration {path} is no YAML object")
    plain: Json = json.loads(json.dumps(content, default=str))
    return plain


def _text(path: str, what: str, cure: str = "") -> str:
    """Of a file that a person names, wherever it is. Raises RequestError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", "") or "not UTF-8"
        raise RequestError(f"{what} {path}: {why}{cure}") from error


def _write(text: str) -> None:
    """A reader that went away (`| head`) is no reason to stop in the middle of what is being done."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Call(Call):
    """A call with a configuration that has been read."""

    def __init__(self, method: str, context: Json, effective: Json, limit: float) -> None:
        super().__init__(method, context, version=2, config_path="", limit=limit)
        self._config = effective
