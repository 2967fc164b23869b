"""URLs of an API server and of a proxy: host, port, path and nothing else."""

import pytest

from bosh_kubernetes_cpi.connection import proxy, split_url
from bosh_kubernetes_cpi.errors import RequestError

URLS = [
    ("https://10.0.0.10:6443", ("https", "10.0.0.10", 6443, "")),
    ("https://api.example.com", ("https", "api.example.com", 443, "")),
    ("HTTPS://API.example.com/", ("https", "api.example.com", 443, "/")),
    ("http://proxy", ("http", "proxy", 80, "")),
    ("https://rancher.example.com/k8s/clusters/C-1", ("https", "rancher.example.com", 443, "/k8s/clusters/C-1")),
    ("https://[2001:DB8::1]:6443/x", ("https", "2001:db8::1", 6443, "/x")),
    ("https://[::1]", ("https", "::1", 443, "")),
    ("https://kubernetes.example:1", ("https", "kubernetes.example", 1, "")),
]


@pytest.mark.parametrize(("url", "parts"), URLS)
def test_parts_of_a_url(url, parts) -> None:
    assert split_url(url) == parts


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "https://",
        "https:///path",
        "https://:6443",
        "https://user:planted@api",
        "https://planted@api",
        "https://api?planted",
        "https://api#planted",
        "https://api/x?planted",
        "https://api planted",
        "https://api/\r\nplanted",
        "https://api\\planted",
        "https://a:1:2",
        "https://2001:db8::1",
        "https://[::1",
        "https://::1]",
        "https://[api]",
        "https://[[::1]]",
        "https://[::1]planted",
        "https://api:",
        "https://api:0",
        "https://api:65536",
        "https://api:-1",
        "https://api:6443x",
        "https://api:٣",
        "https://api:" + "9" * 5000,
    ],
)
def test_anything_else_is_refused_and_not_quoted(url) -> None:
    with pytest.raises(RequestError, match="kubernetes: a URL") as failure:
        split_url(url)
    assert "planted" not in failure.value.message


def test_user_of_a_proxy_may_hold_any_character() -> None:
    assert proxy("http://user:pa/ss%40w:ord@proxy:3128") == (
        "proxy",
        3128,
        {"Proxy-Authorization": "Basic dXNlcjpwYS9zc0B3Om9yZA=="},
    )
