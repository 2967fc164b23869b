"""TLS as a client: whom we trust, and our own certificate."""

from __future__ import annotations

import os
import ssl


def tls_context(*, ca: str = "", certificate: str = "", key: str = "") -> ssl.SSLContext:
    """A verifying client context. All arguments are PEM text; without `ca` the system's authorities are trusted.

    Raises ValueError for text that is no PEM of the kind; its message never quotes the text.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca:
            context.load_verify_locations(cadata=ca)
        else:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("the certificate authority is no PEM certificate") from error
    if certificate:
        try:
            _load_chain(context, (certificate.rstrip() + "\n" + key.rstrip() + "\n").encode())
        except ssl.SSLError as error:
            raise ValueError("client certificate and key are no matching PEM pair") from error
    return context


def _load_chain(context: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL reads a key from a file only: one without a name where the system has such, else a private temporary
    one.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client")
        try:
            os.write(descriptor, pem)
            context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)
