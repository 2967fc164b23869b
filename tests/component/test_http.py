"""One connection: what is sent, when it is kept, and what is said of a server that breaks off."""

import pytest

from bosh_kubernetes_cpi.clock import Deadline
from bosh_kubernetes_cpi.errors import TimedOut
from bosh_kubernetes_cpi.transport.answer import BrokenAnswer
from bosh_kubernetes_cpi.transport.http import Connection, Endpoint, Unreachable
from bosh_kubernetes_cpi.transport.tls import tls_context
from tests.support.fakeapi.certs import Authority, server_context
from tests.support.scripted_server import ScriptedServer

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


@pytest.fixture
def connect():
    """Connections to a scripted server; keyword arguments are those of Endpoint."""
    made = []

    def make(server: ScriptedServer, *, seconds: float = 20, **more) -> Connection:
        endpoint = Endpoint("127.0.0.1", server.port, **{"tls": None, **more})
        made.append(Connection(endpoint, Deadline(seconds)))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def test_request_as_it_is_sent(connect) -> None:
    with ScriptedServer([HELLO] * 5) as server:
        connection = connect(server, base="/base/", headers={"Authorization": "Bearer x"})
        for method, body, headers in [
            ("GET", None, {}),
            ("POST", None, {}),
            ("PATCH", b"{}", {"Content-Type": "text/x", "Authorization": "Bearer y"}),
            ("PATCH", iter([b"ab", b"", b"c"]), {"Content-Length": "3"}),
            ("DELETE", None, {}),
        ]:
            connection.request(method, "/x?y=z", body=body, headers=headers).read()
        connection.close()
    common = f"/base/x?y=z HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept-Encoding: identity\r\nAuthorization: "

    assert [request.decode() for request in server.requests[0]] == [
        f"GET {common}Bearer x\r\n\r\n",
        f"POST {common}Bearer x\r\nContent-Length: 0\r\n\r\n",
        f"PATCH {common}Bearer y\r\nContent-Type: text/x\r\nContent-Length: 2\r\n\r\n{{}}",
        f"PATCH {common}Bearer x\r\nContent-Length: 3\r\n\r\nabc",
        f"DELETE {common}Bearer x\r\n\r\n",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_default_port_is_not_named(host) -> None:
    assert Endpoint(host, 443, tls=tls_context()).host_field == host
    assert Endpoint(host, 443, tls=None).host_field == f"{host}:443"
    assert Endpoint(host, 80, tls=None).host_field == host


def test_other_hosts_in_a_request() -> None:
    assert Endpoint("::1", 8443, tls=None).host_field == "[::1]:8443"
    assert Endpoint("bücher.example", 8443, tls=None).host_field == "xn--bcher-kva.example:8443"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/x y", {}),
        ("/x\r\nX: y", {}),
        ("/ä", {}),
        ("/x", {"X": "y\r\nZ: z"}),
        ("/x", {"X": "y\nZ: z"}),
        ("/x", {"X\r\n": "y"}),
        ("/x", {"X": "\0"}),
    ],
)
def test_request_that_would_be_another_one_is_not_sent(connect, path, headers) -> None:
    with ScriptedServer() as server, pytest.raises(Unreachable, match="characters that HTTP does not allow"):
        connect(server).request("GET", path, headers=headers)
    assert server.requests == []


KEPT = [
    (HELLO, True, 1),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", True, 1),
    (HELLO, False, 2),  # the rest of its body would be the next answer
    (OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello", True, 2),
    (OK + b"\r\nhello", True, 2),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", True, 2),
]


@pytest.mark.parametrize(("first", "read", "connections"), KEPT)
def test_connection_is_kept_when_an_answer_may_follow(connect, first, read, connections) -> None:
    script = [[first, HELLO]] if connections == 1 else [[first], [HELLO]]
    with ScriptedServer(*script) as server:
        connection = connect(server)
        answer = connection.request("GET", "/first")
        if read:
            assert answer.read() == b"hello"
        assert connection.request("GET", "/second").read() == b"hello"
        connection.close()

    assert len(server.requests) == connections


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (b"", "it closed the connection"),
        (b"HTTP/1.1 200 O", "its answer broke off"),
        (b"hello\r\n", r"its answer is no HTTP/1\.1 \(no status line\)"),
    ],
)
def test_what_a_server_does_instead_of_an_answer_is_told_and_the_next_request_is_free(connect, script, words) -> None:
    with ScriptedServer([script], [HELLO]) as server:
        connection = connect(server)
        with pytest.raises(Unreachable, match=rf"^http://127\.0\.0\.1:{server.port}: {words}$"):
            connection.request("GET", "/x")
        assert connection.request("GET", "/x").read() == b"hello"


def test_connection_that_was_closed_in_between_is_told(connect) -> None:
    with ScriptedServer([HELLO], [HELLO]) as server:
        connection = connect(server)
        connection.request("GET", "/x").read()
        with pytest.raises(Unreachable):
            connection.request("GET", "/x")
        connection.request("GET", "/x").read()


def test_body_that_breaks_off(connect) -> None:
    with ScriptedServer([OK + b"Content-Length: 6\r\n\r\nhello"]) as server:
        answer = connect(server).request("GET", "/x")
        with pytest.raises(BrokenAnswer, match="broke off"):
            answer.read()


def test_refusal_of_a_stream_is_heard_though_the_server_reads_no_more(connect) -> None:
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def endless():
        while True:
            yield b"x" * 65_536

    with ScriptedServer([refusal]) as server:
        connection = connect(server)
        assert connection.request("PUT", "/x", body=endless(), headers={"Content-Length": "1"}).status == 413


def test_source_of_a_stream_that_fails_leaves_no_half_request_behind(connect) -> None:
    def failing():
        yield b"x"
        raise KeyError("of its own")

    with ScriptedServer([b""], [HELLO]) as server:
        connection = connect(server)
        with pytest.raises(KeyError, match="of its own"):
            connection.request("PUT", "/x", body=failing(), headers={"Content-Length": "10"})
        assert connection.request("GET", "/x").read() == b"hello"


def test_silent_server_is_waited_for_as_long_as_told(connect) -> None:
    with ScriptedServer([HELLO[:-1], b""]) as server:
        connection = connect(server)
        answer = connection.request("GET", "/x", patience=20)
        connection.patience(0.01)
        with pytest.raises(TimeoutError):
            answer.read()
        connection.close()


def test_nothing_is_asked_after_the_deadline(connect) -> None:
    with ScriptedServer() as server, pytest.raises(TimedOut, match=f"talking to http://127.0.0.1:{server.port}"):
        connect(server, seconds=0).request("GET", "/x")


def test_tls_that_is_cut_is_no_end_of_a_body(connect) -> None:
    """Else half an answer without a length would pass for a whole one."""
    authority = Authority()
    with ScriptedServer([OK + b"\r\nhel"], [b""], tls=server_context(authority)) as server:
        connection = connect(server, tls=tls_context(ca=authority.pem))
        answer = connection.request("GET", "/x")
        with pytest.raises(OSError, match="EOF"):
            answer.read()
        with pytest.raises(Unreachable, match=r": it closed the connection$"):
            connection.request("GET", "/x")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n",
            "the proxy refused to connect: HTTP 407 Who are you",
        ),
        (b"SSH-2.0\r\n", r"its answer is no HTTP/1\.1"),
        (b"", "it closed the connection"),
    ],
)
def test_proxy_that_does_not_connect(connect, script, words) -> None:
    with ScriptedServer([script]) as server:
        proxied = connect(server, proxy=("127.0.0.1", server.port, {"Proxy-Authorization": "Basic x"}))
        with pytest.raises(Unreachable, match=words):
            proxied.request("GET", "/x")
    where = f"127.0.0.1:{server.port}"

    assert server.requests == [
        [f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\nProxy-Authorization: Basic x\r\n\r\n".encode()]
    ]


def test_not_a_byte_behind_a_proxy_s_answer_is_taken_with_it(connect) -> None:
    with ScriptedServer([b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n" + HELLO, b""]) as server:
        assert connect(server, proxy=("127.0.0.1", server.port, {})).request("GET", "/x").read() == b"hello"
