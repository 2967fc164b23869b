"""kubectl as the tests use it: every call names the context of the test cluster, answers are parsed JSON.

What tests ask while they wait (an object, a command in a Pod) goes to the API server without a process of kubectl.
"""

import json
import os
import subprocess
from typing import Any

from tests.support.cluster.api import PATHS, ApiFailedError, api

# Only clusters of these contexts are ever touched by a test.
ALLOWED_CONTEXTS = ("kind-bosh-",)


class KubectlError(AssertionError):
    """kubectl said no; the message is what it printed."""


class Kubectl:
    """kubectl in one namespace of the test cluster."""

    def __init__(self, *, namespace: str = "default", context: str | None = None) -> None:
        self.namespace = namespace
        self.context = context or current_context()
        if not self.context.startswith(ALLOWED_CONTEXTS):
            raise KubectlError(f"context {self.context!r} is not a test cluster ({', '.join(ALLOWED_CONTEXTS)}*)")

    def within(self, namespace: str) -> "Kubectl":
        return Kubectl(namespace=namespace, context=self.context)

    def run(self, *words: str, stdin: str | None = None, timeout: float = 120, check: bool = True) -> str:
        """stdout of one kubectl call; KubectlError with its stderr when it fails and `check` is set."""
        done = subprocess.run(
            ["kubectl", "--context", self.context, "--namespace", self.namespace, *words],
            input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise KubectlError(f"kubectl {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """One object, None when there is none of that name."""
        if kind in PATHS:
            try:
                return api(self.context).get(kind, self.namespace, name)
            except ApiFailedError as error:
                raise KubectlError(str(error)) from error
        text = self.run("get", kind, name, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text.strip() else None

    def list(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        words = ["get", kind, "-o", "json", *(["-l", selector] if selector else [])]
        return json.loads(self.run(*words))["items"]

    def apply(self, *objects: dict[str, Any]) -> None:
        self.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def patch(self, kind: str, name: str, body: dict[str, Any], *, subresource: str = "") -> None:
        extra = [f"--subresource={subresource}"] if subresource else []
        self.run("patch", kind, name, "--type=merge", "-p", json.dumps(body), *extra)

    def delete(self, kind: str, name: str, *words: str) -> None:
        self.run("delete", kind, name, "--ignore-not-found", *words)

    def exec(self, pod: str, *command: str, container: str = "", timeout: float = 60, check: bool = True) -> str:
        """stdout of a command in a container of the Pod."""
        code, out, err = self.exec_code(pod, *command, container=container, timeout=timeout, check=check)
        if check and code:
            raise KubectlError(f"exec in {pod}: {' '.join(command)}: exit code {code}: {err.strip() or out.strip()}")
        return out

    def exec_code(
        self, pod: str, *command: str, container: str = "", timeout: float = 60, check: bool = True
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr. Where nothing was run: KubectlError, or 1 and empty text without `check`."""
        try:
            return api(self.context).exec(self.namespace, pod, container, command, timeout)
        except ApiFailedError as error:
            if check:
                raise KubectlError(str(error)) from error
            return 1, "", str(error)

    def guest(self, vm: str, script: str, *, timeout: float = 60, check: bool = True) -> str:
        """stdout of a shell script inside the machine (`/firmware/enter`)."""
        return self.exec(vm, "/firmware/enter", "/bin/sh", "-c", script, timeout=timeout, check=check)

    def ctl(self, vm: str, *words: str) -> dict[str, Any]:
        """The firmware's answer to an order (docs/architecture.md)."""
        return json.loads(self.exec(vm, "/firmware/ctl", *words, check=False) or "{}")


def current_context() -> str:
    """The context that KUBECONFIG names; the suite sets it."""
    if not os.environ.get("KUBECONFIG"):
        raise KubectlError(
            "KUBECONFIG is not set: run the tests by `make`, or eval `tests/cluster/kind/cluster.py env` first"
        )
    done = subprocess.run(["kubectl", "config", "current-context"], capture_output=True, text=True, check=True)
    return done.stdout.strip()
