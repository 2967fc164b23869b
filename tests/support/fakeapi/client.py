"""The CPI's own client of the stand-in, for what is the same at a real API server."""

from collections.abc import Iterator
from contextlib import contextmanager

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.connection import connect
from bosh_kubernetes_cpi.transport.api import Api
from tests.support.fakeapi.server import TOKEN, FakeApi


@contextmanager
def unrestricted(server: FakeApi, namespace: str, url: str, ca: str) -> Iterator[Api]:
    """A client that may do everything with every kind; `url` and `ca` are the server's, or of a proxy before it."""
    for verbs in server.rights.values():
        verbs |= {"get", "list", "watch", "create", "patch", "delete"}
    api, _ = connect({"kubernetes": {"server": url, "ca": ca, "token": TOKEN}, "namespace": namespace}, Deadline(30))
    try:
        yield api
    finally:
        api.close()
