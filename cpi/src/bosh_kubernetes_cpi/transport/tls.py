"""TLS as a client: whom we trust, and our own certificate."""

from __future__ import annotations

import os
import ssl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


def tls_context(*, ca: str = "", certificate: str = "", key: str = "") -> ssl.SSLContext:
    """A verifying client context. All arguments are PEM text; without `ca` the system's authorities are trusted.

    What is in `ca` is trusted as it is, be it an intermediate authority or the server's own certificate, as by kubectl.
    Raises ValueError for text that is no PEM of the kind; its message never quotes the text.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        if ca:
            ca.encode("ascii")  # for other characters ssl raises a TypeError
            context.load_verify_locations(cadata=ca)
        else:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("the certificate authority is no PEM certificate") from error
    if certificate:
        try:
            pem = (certificate.rstrip() + "\n" + key.rstrip() + "\n").encode("ascii")
            _load_chain(context, pem)
        except _Encrypted as error:
            raise ValueError("the client key is encrypted: give it without its passphrase") from error
        except (ssl.SSLError, ValueError) as error:
            raise ValueError("client certificate and key are no matching PEM pair") from error
    return context


class _Encrypted(Exception):  # noqa: N818 (it says what it met)
    """A key that wants a passphrase."""


def _passphrase() -> NoReturn:
    """OpenSSL would ask whoever sits at the terminal."""
    raise _Encrypted


def _load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL reads a key from a file only: one without a name where the system has such, else a private temporary
    one.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client")
        try:
            os.write(descriptor, pem)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_passphrase)
        finally:
            os.close(descriptor)
        return
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name, password=_passphrase)
