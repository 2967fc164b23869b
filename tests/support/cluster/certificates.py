"""A certificate authority and one server certificate for agents' buses, as an operator's manifest generates them."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificates:
    """PEM texts."""

    ca: str
    certificate: str
    private_key: str

    def settings(self) -> dict[str, str]:
        """`env.bosh.mbus.cert` of create_vm."""
        return {"ca": self.ca, "certificate": self.certificate, "private_key": self.private_key}

    @classmethod
    def make(cls, *addresses: str) -> "Certificates":
        """A new authority and a certificate of it for these IP addresses."""
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name, name = _name("test authority"), _name(addresses[0])
        now = datetime.now(timezone.utc)

        def builder(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
            start = x509.CertificateBuilder().subject_name(subject).issuer_name(ca_name).public_key(public)
            start = start.serial_number(x509.random_serial_number())
            return start.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=30))

        ca = (
            builder(ca_name, ca_key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(ca_key, hashes.SHA256())
        )
        names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        certificate = (
            builder(name, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return cls(ca.public_bytes(pem).decode(), certificate.public_bytes(pem).decode(), private.decode())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
