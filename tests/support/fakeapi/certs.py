"""A certificate authority for one test run, with a server's and a client's certificate. PEM texts."""

import datetime
import ipaddress
import ssl
import tempfile
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = datetime.timedelta(days=2)


class Pair(NamedTuple):
    certificate: str
    key: str


class Authority:
    def __init__(self, name: str = "test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.pem = _pem(certificate)

    def server(self, *names: str) -> Pair:
        """For `names`, 127.0.0.1 and localhost."""
        hosts: list[x509.GeneralName] = [x509.DNSName(name) for name in ("localhost", *names)]
        hosts.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        return self._issue("server", x509.SubjectAlternativeName(hosts), ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, name: str) -> Pair:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
        return self._issue(name, alternative, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(self, name: str, alternative: x509.SubjectAlternativeName, usage: x509.ObjectIdentifier) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            self._builder(_name(name), key)
            .add_extension(alternative, critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Pair(_pem(certificate), _key_pem(key))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFE)
            .not_valid_after(now + LIFE)
        )


def server_context(authority: Authority) -> ssl.SSLContext:
    """TLS of a server on this machine."""
    pair = authority.server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder, "chain.pem")
        chain.write_text(pair.certificate + pair.key)
        context.load_cert_chain(chain)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
