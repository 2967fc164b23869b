"""Objects and exec without a kubectl process: what tests ask again and again while they wait.

A process for each look would be most of what the tests do with the machine's cores.
"""

import functools
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import urllib3
from kubernetes import client, config
from kubernetes.stream.ws_client import ERROR_CHANNEL, WSClient

CORE = "/api/v1"
PATHS = {
    "pod": f"{CORE}/namespaces/{{namespace}}/pods/{{name}}",
    "pvc": f"{CORE}/namespaces/{{namespace}}/persistentvolumeclaims/{{name}}",
    "pv": f"{CORE}/persistentvolumes/{{name}}",
    "virtualmachines.cpi.bosh.io": "/apis/cpi.bosh.io/v1alpha1/namespaces/{namespace}/virtualmachines/{name}",
}
SECONDS = 30


class ApiFailedError(Exception):
    """The API server, or the kubelet behind it, did not do what was asked; the message is its answer."""


class Api:
    """The API server of a context of KUBECONFIG."""

    def __init__(self, context: str) -> None:
        self._configuration = client.Configuration()
        config.load_kube_config(context=context, client_configuration=self._configuration)
        c = self._configuration
        self._pool = urllib3.PoolManager(maxsize=8, ca_certs=c.ssl_ca_cert, cert_file=c.cert_file, key_file=c.key_file)

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """An object of one of PATHS' kinds, None when there is none of that name. Raises ApiFailedError."""
        path = PATHS[kind].format(namespace=namespace, name=name)
        try:
            answer = self._pool.request("GET", f"{self._configuration.host}{path}", timeout=SECONDS, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise ApiFailedError(f"get {kind} {name}: {error!r}") from error
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise ApiFailedError(f"get {kind} {name}: {answer.status} {answer.data.decode(errors='replace')}")
        found: dict[str, Any] = answer.json()
        return found

    def exec(
        self, namespace: str, pod: str, container: str, command: Sequence[str], seconds: float
    ) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command in a container ("": the only one). Raises ApiFailedError."""
        query = [("command", word) for word in command] + [("stdout", "true"), ("stderr", "true")]
        query += [("container", container)] if container else []
        url = f"{self._configuration.host}{CORE}/namespaces/{namespace}/pods/{pod}/exec?{urlencode(query)}"
        what = f"exec in {pod}: {' '.join(command)}"
        try:
            socket = WSClient(self._configuration, url.replace("https:", "wss:", 1), {}, capture_all=False)
            try:
                socket.run_forever(timeout=seconds)
                done = not socket.is_open()
            finally:
                socket.sock.shutdown()  # close() leaves the socket open once the server has said goodbye
        except Exception as error:  # the library raises what its own libraries do
            raise ApiFailedError(f"{what}: {error!r}") from error
        if not done:
            raise ApiFailedError(f"{what}: not done in {seconds:g} s")
        status = json.loads(socket.read_channel(ERROR_CHANNEL) or "{}")
        return exit_code(what, status), socket.read_stdout(), socket.read_stderr()


def exit_code(what: str, status: dict[str, Any]) -> int:
    """From the Status that ends an exec. Raises ApiFailedError when nothing was run."""
    if status.get("status") == "Success":
        return 0
    for cause in status.get("details", {}).get("causes", []):
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    raise ApiFailedError(f"{what}: {status.get('message', 'the connection ended early')}")


@functools.cache
def api(context: str) -> Api:
    """One connection pool a process."""
    return Api(context)
