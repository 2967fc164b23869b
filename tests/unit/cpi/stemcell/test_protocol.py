"""What registries say: challenges, errors, Locations."""

import pytest

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.errors import RegistryError
from bosh_kubernetes_cpi.stemcell import protocol
from bosh_kubernetes_cpi.stemcell.access import Access
from bosh_kubernetes_cpi.stemcell.protocol import Challenge


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("Negotiate", None),
        ('Basic realm="Registry"', Challenge("basic")),
        ('basic realm="Bearer, of news"', Challenge("basic")),
        (
            'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
            Challenge("bearer", "https://auth.docker.io/token", "registry.docker.io", "repository:a/b:pull,push"),
        ),
        ('Bearer realm=https://a/t, service=s, error="insufficient_scope"', Challenge("bearer", "https://a/t", "s")),
        ('Basic realm="r", Bearer realm="https://a/t"', Challenge("bearer", "https://a/t")),
        ('Bearer realm="https://a/t", Basic realm="r"', Challenge("bearer", "https://a/t")),
        ('Bearer realm = "https://a/t" , service= "s"', Challenge("bearer", "https://a/t", "s")),
        ('Bearer error="none"', None),
    ],
)
def test_challenges(header, expected) -> None:
    assert protocol.parse_challenge(header) == expected


@pytest.mark.parametrize(
    ("challenge", "expected"),
    [
        (Challenge("bearer", "https://a/t", "s", "x:pull"), "https://a/t?service=s&scope=x%3Apull"),
        (Challenge("bearer", "https://a/t?k=v", "s"), "https://a/t?k=v&service=s&scope=ours"),
        (Challenge("bearer", "https://a/t"), "https://a/t?scope=ours"),
    ],
)
def test_where_a_token_is_fetched(challenge, expected) -> None:
    assert challenge.token_url("ours") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"token": "t"}', "t"), (b'{"access_token": "t"}', "t"), (b'{"token": 1}', ""), (b"[]", ""), (b"<html>", "")],
)
def test_tokens(body, expected) -> None:
    assert protocol.parse_token(body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"errors":[{"code":"DENIED","message":"no"}]}', "DENIED: no"),
        (b'{"errors":[{"code":"DENIED"}]}', "DENIED"),
        (b'{"errors":[]}', '{"errors":[]}'),
        (b'{"kind":"Status","message":"services is forbidden"}', "services is forbidden"),
        (b"<html>413</html>", ""),
        (b"no\n  endpoints", "no endpoints"),
        (b"", ""),
        (b"\xff" * 1000, ""),
        (b"word " * 100, "word " * 39 + "word"),
        (b"x" * 190 + b" secret-that-is-cut and more", "x" * 190),
    ],
)
def test_words_of_a_refusal(body, expected) -> None:
    assert protocol.parse_error(body) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [("/v2/a/blobs/uploads/1", "?digest="), ("/v2/a/blobs/uploads/1?_state=x%3D", "?_state=x%3D&digest=")],
)
def test_the_digest_that_closes_an_upload(target, expected) -> None:
    assert protocol.with_digest(target, "sha256:ab") == f"{target.partition('?')[0]}{expected}sha256%3Aab"


@pytest.mark.parametrize("origin", ["http://auth.example.com", "ftp://a", "https://", "//a"])
def test_credentials_go_over_https_only(origin) -> None:
    with pytest.raises(RegistryError, match=r"refused"):
        Access("registry r", Deadline(1), username="u", password="p").elsewhere(origin)


def test_plain_http_where_it_is_allowed() -> None:
    assert Access("registry r", Deadline(1), insecure=True).elsewhere("http://a.example.com").port == 80
    assert Access("registry r", Deadline(1)).elsewhere("http://localhost:5000").tls is None
