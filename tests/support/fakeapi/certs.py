"""A certificate authority for one test run, with a server's and a client's certificate. PEM texts."""

import datetime
import ipaddress
import ssl
import tempfile
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = datetime.timedelta(days=2)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


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

    def server(self, *names: str, ended: bool = False) -> Pair:
        """For `names`, 127.0.0.1 and localhost. `ended`: it expired an hour ago."""
        hosts: list[x509.GeneralName] = [x509.DNSName(name) for name in ("localhost", *names)]
        hosts.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        alternative = x509.SubjectAlternativeName(hosts)
        end = -datetime.timedelta(hours=1) if ended else LIFE
        return self._issue("server", alternative, ExtendedKeyUsageOID.SERVER_AUTH, new_key(), end)

    def client(self, name: str, key: Key | None = None) -> Pair:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name)])
        return self._issue(name, alternative, ExtendedKeyUsageOID.CLIENT_AUTH, key or new_key(), LIFE)

    def _issue(
        self,
        name: str,
        alternative: x509.SubjectAlternativeName,
        usage: x509.ObjectIdentifier,
        key: Key,
        end: datetime.timedelta,
    ) -> Pair:
        certificate = (
            self._builder(_name(name), key, end)
            .add_extension(alternative, critical=False)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Pair(_pem(certificate), key_pem(key))

    def _builder(self, subject: x509.Name, key: Key, end: datetime.timedelta = LIFE) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - LIFE)
            .not_valid_after(now + end)
        )


def server_context(authority: Authority, pair: Pair | None = None) -> ssl.SSLContext:
    """TLS of a server on this machine."""
    pair = pair or authority.server()
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


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(
    key: Key,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    passphrase: str = "",
) -> str:
    locked = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, locked).decode()
