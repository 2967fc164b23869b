"""References to images, as people write them and as nodes are told."""

import pytest

from bosh_kubernetes_cpi.stemcell.reference import BadReferenceError, is_loopback, parse

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "name", "wanted", "api_host"),
    [
        ("debian", "docker.io/library/debian", "latest", "registry-1.docker.io"),
        ("debian:12", "docker.io/library/debian", "12", "registry-1.docker.io"),
        ("bosh/noble", "docker.io/bosh/noble", "latest", "registry-1.docker.io"),
        ("docker.io/debian", "docker.io/library/debian", "latest", "registry-1.docker.io"),
        ("index.docker.io/library/debian", "docker.io/library/debian", "latest", "registry-1.docker.io"),
        ("ghcr.io/cloudfoundry/noble:1.165", "ghcr.io/cloudfoundry/noble", "1.165", "ghcr.io"),
        ("localhost/a", "localhost/a", "latest", "localhost"),
        ("localhost:5005/a:b", "localhost:5005/a", "b", "localhost:5005"),
        ("[::1]:5000/a", "[::1]:5000/a", "latest", "[::1]:5000"),
        ("r.example.com/a/b/c__d-e.f:1_2-3.4", "r.example.com/a/b/c__d-e.f", "1_2-3.4", "r.example.com"),
        (f"r.example.com/a@{DIGEST}", "r.example.com/a", DIGEST, "r.example.com"),
        (f"r.example.com/a:1@{DIGEST}", "r.example.com/a", DIGEST, "r.example.com"),
    ],
)
def test_what_a_reference_names(text, name, wanted, api_host) -> None:
    reference = parse(text)
    assert (reference.name, reference.wanted, reference.api_host) == (name, wanted, api_host)


def test_a_digest_beside_the_reference() -> None:
    assert parse("r.example.com/a:1", digest=DIGEST).pinned == f"r.example.com/a@{DIGEST}"
    assert parse(f"r.example.com/a@{DIGEST}", digest=DIGEST).digest == DIGEST


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "repository that is none"),
        ("UPPER", "repository that is none"),
        ("a//b", "repository that is none"),
        ("a/-b", "repository that is none"),
        ("a" * 300, "repository that is none"),
        ("r.example.com/a b", "repository that is none"),
        ("https://r.example.com/a", "registry host that is none"),
        ("r.example.com:65536/a", "registry host that is none"),
        ("r.example.com:0/a", "registry host that is none"),
        ("user@r.example.com/a", "no digest"),
        ("a:", "tag that is none"),
        ("a:-b", "tag that is none"),
        ("a@", "without a digest"),
        ("a@sha256:abc", "no digest"),
        ("a@sha512:" + "a" * 128, "no digest"),
        ("r.example.com/../a", "repository that is none"),
        ("r.example.com/a?b", "repository that is none"),
    ],
)
def test_what_is_no_reference_is_told(text, words) -> None:
    with pytest.raises(BadReferenceError, match=words):
        parse(text)


def test_two_digests_that_differ_contradict_each_other() -> None:
    with pytest.raises(BadReferenceError, match="contradict"):
        parse(f"a@{DIGEST}", digest="sha256:" + "b" * 64)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5005", True),
        ("127.0.0.1:5000", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("::1", True),
        ("::2", False),
        ("localhost.example.com", False),
        ("127.example.com:1", False),
        ("r.example.com:443", False),
    ],
)
def test_loopback(host, expected) -> None:
    assert is_loopback(host) is expected
