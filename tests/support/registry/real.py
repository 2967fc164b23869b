"""The registry of the distribution project, run from the program that REGISTRY_BINARY names, on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

# `htpasswd -B` of the stand-in's user and password
HTPASSWD = "bosh:$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2\n"


class RealRegistry:
    """One process with its storage below `folder`; `host` is where it listens."""

    def __init__(
        self,
        folder: Path,
        *,
        certificate: tuple[str, str] | None = None,
        basic: bool = False,
        proxy: dict[str, object] | None = None,
    ) -> None:
        self._folder = folder
        self._proxy = proxy
        self._certificate = certificate
        self._basic = basic
        self.port = _free_port()
        self.host = f"localhost:{self.port}"

    def __enter__(self) -> RealRegistry:
        with (self._folder / "registry.log").open("wb") as log:
            self._process = subprocess.Popen(
                [os.environ["REGISTRY_BINARY"], "serve", str(self._write_configuration())],
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={"OTEL_TRACES_EXPORTER": "none", "PATH": "/usr/bin:/bin"},
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)

    def _write_configuration(self) -> Path:
        http: dict[str, object] = {"addr": f"127.0.0.1:{self.port}", "secret": "of-the-test"}
        if self._certificate:
            http["tls"] = {"certificate": self._certificate[0], "key": self._certificate[1]}
        configuration: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "data")}, "delete": {"enabled": True}},
            "http": http,
        }
        if self._proxy:
            configuration["proxy"] = self._proxy
        if self._basic:
            (self._folder / "htpasswd").write_text(HTPASSWD)
            configuration["auth"] = {"htpasswd": {"realm": "test", "path": str(self._folder / "htpasswd")}}
        path = self._folder / "registry.yaml"
        path.write_text(json.dumps(configuration))  # JSON is YAML
        return path

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.02)
        raise RuntimeError(f"the registry did not start: {(self._folder / 'registry.log').read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
