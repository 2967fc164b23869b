"""`((variables))` of a manifest, as bosh-cli takes them (`director/template`): given, or else generated and kept in a
store. Passwords and certificates are all that is generated; the keys of these are of elliptic curves, which the real
client's are not.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import string
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.e2e.driver.errors import ManifestError
from tests.e2e.driver.patch import find

REFERENCE = re.compile(r"\(\( ?!?([-/.\w]+) ?\)\)")
PEM = serialization.Encoding.PEM
USAGES = {"server_auth": ExtendedKeyUsageOID.SERVER_AUTH, "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH}


class Variables:
    """Values by name. What `definitions` says of a name that has no value is generated, and put into `values`."""

    def __init__(self, given: dict[str, Any], stored: dict[str, Any], definitions: list[dict[str, Any]]) -> None:
        self.given = given
        self.values = stored
        self._definitions = {one["name"]: one for one in definitions}
        self.missing: set[str] = set()

    def fill(self, node: Any) -> Any:
        """A document with the values in their places; what is one reference as a whole takes the value's own type."""
        if isinstance(node, dict):
            return {self.fill(key): self.fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.fill(entry) for entry in node]
        if not isinstance(node, str):
            return node
        if whole := REFERENCE.fullmatch(node):
            return self._get(whole[1], node)
        return REFERENCE.sub(lambda reference: self._text(reference[1], reference[0]), node)

    def _text(self, reference: str, otherwise: str) -> str:
        value = self._get(reference, otherwise)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise ManifestError(f"variable {reference}: only strings and integers can be part of a string")
        return str(value)

    def _get(self, reference: str, otherwise: str) -> Any:
        name, *path = reference.split(".")
        if name in self.given:
            value = self.given[name]
        elif name in self.values:
            value = self.values[name]
        elif "type" in self._definitions.get(name, {}):
            value = self.values[name] = self._generate(self._definitions[name])
        else:
            self.missing.add(name)
            return otherwise
        return find(value, "".join(f"/{token}" for token in path)) if path else value

    def _generate(self, definition: dict[str, Any]) -> Any:
        if definition["type"] == "password":
            return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(20))
        if definition["type"] == "certificate":
            return self._certificate(self.fill(definition["options"]))
        raise ManifestError(f"variable {definition['name']}: the driver generates no {definition['type']}")

    def _certificate(self, options: dict[str, Any]) -> dict[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, options["common_name"])])
        issuer, signer, authority = own, key, None
        if "ca" in options:
            authority = self._get(options["ca"], "")
            issuer = x509.load_pem_x509_certificate(authority["certificate"].encode()).subject
            loaded = serialization.load_pem_private_key(authority["private_key"].encode(), None)
            assert isinstance(loaded, ec.EllipticCurvePrivateKey)
            signer = loaded
        now, is_authority = datetime.now(timezone.utc), bool(options.get("is_ca"))
        builder = (
            x509.CertificateBuilder(issuer, own, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(days=365))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            usages = [USAGES[usage] for usage in options.get("extended_key_usage", ["server_auth"])]
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if names := [_alternative(name) for name in options.get("alternative_names", [])]:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(signer, hashes.SHA256()).public_bytes(PEM).decode()
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        return {
            "ca": authority["certificate"] if authority else certificate,
            "certificate": certificate,
            "private_key": private,
        }


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def interpolate(document: Any, given: dict[str, Any], store: Path | None = None) -> tuple[Any, set[str]]:
    """The document with its variables filled in, and the names of those that have no value.

    What is generated is kept in `store`; without one nothing is generated. Definitions of variables that have a value
    are taken out of the document.
    """
    definitions = document.get("variables", []) if isinstance(document, dict) else []
    stored = yaml.safe_load(store.read_text()) or {} if store and store.exists() else {}
    variables = Variables(given, stored, definitions if store else [])
    for definition in definitions:
        variables.fill(f"(({definition['name']}))")
    filled = variables.fill(document)
    if definitions:
        known = variables.given.keys() | variables.values.keys()
        filled["variables"] = [one for one in filled["variables"] if one["name"] not in known]
    if store:
        store.touch(mode=0o600)
        store.write_text(yaml.safe_dump(variables.values))
    return filled, variables.missing
