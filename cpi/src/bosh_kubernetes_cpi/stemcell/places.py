"""Which registry, reached how: from the section `registry` of the configuration, and from an image's reference."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..clock import Deadline
from ..errors import RequestError
from ..transport.http import Endpoint
from .access import Access
from .reference import BadReferenceError, Reference, is_host, is_loopback, parse
from .registry import Registry

SERVICE_PULL_HOST = "localhost:5005"  # where the chart's DaemonSet lets the nodes pull what went through the Service
_SERVICE = re.compile(r"([a-z0-9-]+)/([a-z0-9-]+):([a-z0-9-]+)")


@dataclass(frozen=True)
class Places:
    """The configured registry (perhaps none) and how to reach any other. `api` is the API server's endpoint."""

    settings: dict[str, Any]
    api: Endpoint
    deadline: Deadline

    @property
    def configured(self) -> bool:
        return bool(self.settings.get("host") or self._service)

    @property
    def pull_name(self) -> Reference:
        """Host and repository of what is pushed here, as the nodes name it. RequestError when they are none."""
        if host := self.settings.get("pull_host"):
            return self._named(host, "registry.pull_host")
        return self._named(SERVICE_PULL_HOST if self._service else self.settings["host"], "registry.host")

    @property
    def _service(self) -> str:
        return str(self.settings.get("service", ""))

    def own(self) -> Registry:
        """The repository that heavy stemcells go to."""
        return self._own(self.pull_name.repository)

    def serves(self, reference: Reference) -> bool:
        """Whether an image is in the configured registry, whose name for nodes may differ from its name for us."""
        if not self.configured:
            return False
        hosts = {self.pull_name.host}
        if not self._service:
            hosts.add(self._named(self.settings["host"], "registry.host").host)
        return reference.host in hosts

    def of(self, reference: Reference) -> Registry:
        """The registry of an image: the configured one with its credentials, else its own host without any."""
        if self.serves(reference):
            return self._own(reference.repository)
        return self._direct(reference, {})

    def _own(self, repository: str) -> Registry:
        if self._service:
            return self._proxied(self._service, repository)
        named = self._named(self.settings["host"], "registry.host")
        return self._direct(Reference(named.host, repository), self.settings)

    def _named(self, host: str, key: str) -> Reference:
        repository = self.settings.get("repository", "")
        if not is_host(host):
            raise RequestError(f"{key} must be host[:port] with a dot, a port, or 'localhost', not '{host}'")
        try:
            found = parse(f"{host}/{repository}")
        except BadReferenceError as error:
            raise RequestError(f"{key} and registry.repository: {error}") from error
        if ":" in repository or "@" in repository:
            raise RequestError(f"registry.repository must be a path without tag and digest, not '{repository}'")
        return found

    def _direct(self, reference: Reference, settings: dict[str, Any]) -> Registry:
        insecure = bool(settings.get("insecure"))
        name = f"registry {reference.host}"
        access = Access(
            name,
            self.deadline,
            username=settings.get("username", ""),
            password=settings.get("password", ""),
            ca=settings.get("ca", ""),
            insecure=insecure,
        )
        plain = insecure or (is_loopback(reference.host) and not settings.get("ca"))
        try:
            endpoint = access.elsewhere(f"{'http' if plain else 'https'}://{reference.api_host}")
        except ValueError as error:
            raise RequestError(f"registry.ca: {error}") from error
        return Registry(name, endpoint, reference.repository, self.deadline, access)

    def _proxied(self, service: str, repository: str) -> Registry:
        """Through the API server's service proxy, as the CPI's own account."""
        match = _SERVICE.fullmatch(service)
        if not match:
            raise RequestError(f"registry.service must be namespace/name:port, not '{service}'")
        namespace, name, port = match.groups()
        endpoint = Endpoint(
            self.api.host,
            self.api.port,
            tls=self.api.tls,
            base=f"{self.api.base}/api/v1/namespaces/{namespace}/services/http:{name}:{port}/proxy",
            headers=self.api.headers,
            server_name=self.api.server_name,
            proxy=self.api.proxy,
            renew=self.api.renew,
        )
        return Registry(f"registry {service} (through the API server)", endpoint, repository, self.deadline)
