"""Answers of an HTTP/1.1 server as bytes: what is read, and that what is not clearly one answer is refused."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bosh_kubernetes_cpi.transport.answer import LONGEST_LINE, MOST_FIELDS, MOST_INTERIM, Answer, BrokenAnswer

OK = b"HTTP/1.1 200 OK\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = OK + b"Content-Length: 5\r\n\r\nhello"


class Trickle(io.RawIOBase):
    """A server whose bytes come in the given pieces, one a read; it complains when more is asked for."""

    def __init__(self, pieces, *, ends=True) -> None:
        self.pieces = list(pieces)
        self.ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if not self.pieces:
            assert self.ends, "this would wait for ever"
            return 0
        piece, self.pieces[0:1] = self.pieces[0][: len(buffer)], [self.pieces[0][len(buffer) :]]
        self.pieces = [rest for rest in self.pieces if rest]
        buffer[: len(piece)] = piece
        return len(piece)


def answer(text: bytes, method: str = "GET") -> Answer:
    return Answer(io.BytesIO(text), method)


BODIES = [
    (SIZED, "GET", b"hello", True),
    (SIZED + b"HTTP/1.1 ", "GET", b"hello", True),
    (OK + b"content-length:5\r\n\r\nhello", "GET", b"hello", True),
    (OK + b"Content-Length: \t5 \t\r\n\r\nhello", "GET", b"hello", True),
    (OK + b"Content-Length: 005\r\n\r\nhello", "GET", b"hello", True),
    (OK + b"Content-Length: 0\r\n\r\n", "GET", b"", True),
    (OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello", "GET", b"hello", False),
    (OK + b"Content-Length: 5\r\nConnection: x\r\nConnection: Close\r\n\r\nhello", "GET", b"hello", False),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "GET", b"hello", False),
    (OK + b"\r\nhello", "GET", b"hello", False),
    (OK + b"\r\n", "GET", b"", False),
    (SIZED, "HEAD", b"", True),
    (OK + b"\r\n", "HEAD", b"", True),
    (CHUNKED, "HEAD", b"", True),
    (OK + b"\r\n", "CONNECT", b"", True),
    (NO_CONTENT, "DELETE", b"", True),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", b"", True),
    (b"HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nhello", "CONNECT", b"hello", True),
    (CHUNKED + b"0\r\n\r\n", "GET", b"", True),
    (CHUNKED + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "GET", b"hello", True),
    (CHUNKED + b"A\r\n0123456789\r\n00\r\n\r\n", "GET", b"0123456789", True),
    (CHUNKED + b"5 ;name=value\r\nhello\r\n0\r\n\r\n", "GET", b"hello", True),
    (CHUNKED + b"5\r\nhello\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", "GET", b"hello", True),
    (CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", "GET", b"\r\n\r\n", True),
    (OK + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "GET", b"hello", True),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + SIZED, "POST", b"hello", True),
]


@pytest.mark.parametrize(("text", "method", "body", "reusable"), BODIES)
def test_body_and_whether_another_answer_may_follow(text, method, body, reusable) -> None:
    read = answer(text, method)

    assert read.read() == body
    assert read.done
    assert read.reusable is reusable
    assert read.read() == read.readline() == b""


def test_head_is_told() -> None:
    read = answer(b"HTTP/1.1 404 Not \xe4 Found\r\nWww-Authenticate: a\r\nX:\r\nWWW-AUTHENTICATE: b, c\r\n\r\n")

    assert (read.status, read.reason) == (404, "Not ä Found")
    assert read.fields == {"www-authenticate": "a, b, c", "x": ""}


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 "])
def test_reason_may_be_missing(line) -> None:
    assert answer(line + b"\r\n\r\n").reason == ""


MALFORMED = [
    b"\r\n" + SIZED,
    b"hello\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x16\r\n",  # a TLS alert
    b"<html>\r\n\r\n",
    b"HTTP/2 200\r\n\r\n",
    b"HTTP/1.2 200 OK\r\n\r\n",
    b"http/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1  200 OK\r\n\r\n",
    b"HTTP/1.1\t200 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 +20 OK\r\n\r\n",
    b"HTTP/1.1 2\xb20 OK\r\n\r\n",
    b"HTTP/1.1 099 OK\r\n\r\n",
    b"HTTP/1.1 600 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + SIZED,
    b"HTTP/1.1 100 Continue\r\n\r\n" * (MOST_INTERIM + 1) + SIZED,
    b"HTTP/1.1 200 OK\n\n",
    b"HTTP/1.1 200 O\0K\r\n\r\n",
    b"HTTP/1.1 200 OK\r\r\n\r\n",
    b"HTTP/1.1 200 " + b"x" * LONGEST_LINE + b"\r\n\r\n",
    OK + b"Name: value\n\r\n",
    OK + b"Name\r\n\r\n",
    OK + b": value\r\n\r\n",
    OK + b"Content-Length : 5\r\n\r\nhello",
    OK + b" Content-Length: 5\r\n\r\nhello",
    OK + b"Name: value\r\n folded\r\n\r\n",
    OK + b"Na me: value\r\n\r\n",
    OK + b"N\xe4me: value\r\n\r\n",
    OK + b"Name: va\rlue\r\n\r\n",
    OK + b"Name: va\x7flue\r\n\r\n",
    OK + b"Name: " + b"x" * LONGEST_LINE + b"\r\n\r\n",
    OK + b"Name: value\r\n" * (MOST_FIELDS + 1) + b"\r\n",
    OK + b"Content-Length: \r\n\r\n",
    OK + b"Content-Length: five\r\n\r\nhello",
    OK + b"Content-Length: -5\r\n\r\nhello",
    OK + b"Content-Length: +5\r\n\r\nhello",
    OK + b"Content-Length: 5_0\r\n\r\nhello",
    OK + b"Content-Length: \xb2\r\n\r\nhello",
    OK + b"Content-Length: 0x5\r\n\r\nhello",
    OK + b"Content-Length: 5, 5\r\n\r\nhello",
    OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: gzip\r\n\r\n",
    OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    OK + b"Transfer-Encoding:\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b";x\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"x\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b" 5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5\r\nhello0\r\n\r\n",
    CHUNKED + b"5\r\nhello\n0\r\n\r\n",
    CHUNKED + b"4\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"6\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"f" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5;" + b"x" * LONGEST_LINE + b"\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"0\r\nno field\r\n\r\n",
    CHUNKED + b"0\r\n" + b"Name: value\r\n" * (MOST_FIELDS + 1) + b"\r\n",
]


@pytest.mark.parametrize("text", MALFORMED, ids=[str(place) for place in range(len(MALFORMED))])
@pytest.mark.parametrize("read", [Answer.read, lambda read: list(iter(read.readline, b""))], ids=["read", "readline"])
def test_what_is_not_clearly_an_answer_is_refused(text, read) -> None:
    with pytest.raises(BrokenAnswer):
        read(answer(text))


WHOLE = [
    (SIZED, b"hello"),
    (CHUNKED + b"3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", b"hello"),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED, b"hello"),
]


@pytest.mark.parametrize(
    "text", [text[:end] for text, _ in WHOLE for end in range(len(text))], ids=lambda text: str(len(text))
)
def test_cut_anywhere_it_is_no_answer(text) -> None:
    with pytest.raises(BrokenAnswer) as failure:
        answer(text).read()
    assert text or str(failure.value) == "it closed the connection"


@pytest.mark.parametrize(("text", "body"), WHOLE)
def test_byte_by_byte_it_is_the_same(text, body) -> None:
    pieces = [bytes([byte]) for byte in text]
    assert Answer(io.BufferedReader(Trickle(pieces, ends=False)), "GET").read() == body


@given(st.lists(st.binary(min_size=1, max_size=300)), st.integers(1, 400))
def test_chunks_are_joined_whatever_the_pieces_that_they_come_in(chunks, size) -> None:
    text = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    pieces = [text[start : start + size] for start in range(0, len(text), size)]

    def whole() -> Answer:
        return Answer(io.BufferedReader(Trickle(pieces, ends=False)), "GET")

    assert whole().read() == b"".join(chunks)
    lines = list(iter(whole().readline, b""))
    assert b"".join(lines) == b"".join(chunks)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines[:-1])


@pytest.mark.parametrize(
    "body",
    [
        [b"6\r\none\ntw\r\n", b"2\r\no\n\r\n"],
        [b"4\r\none\n\r\n", b"4\r\ntwo\n\r\n"],
        [b"8\r\none\ntwo\n\r\n"],
        [b"1\r\no\r\n1\r\nn\r\n1\r\ne\r\n", b"2\r\n\nt\r\n2\r\nwo\r\n1\r\n\n"],
    ],
)
def test_line_of_a_stream_is_told_as_soon_as_it_is_there(body) -> None:
    read = Answer(io.BufferedReader(Trickle([CHUNKED, *body], ends=False)), "GET")

    assert read.readline() == b"one\n"
    assert read.readline() == b"two\n"
    assert not read.reusable


def test_stream_that_ends_within_a_line_tells_it_without_a_newline() -> None:
    read = answer(CHUNKED + b"5\r\none\nt\r\n0\r\n\r\n")

    assert [read.readline(), read.readline(), read.readline()] == [b"one\n", b"t", b""]


def test_body_or_line_beyond_the_limit_is_refused_without_taking_its_memory() -> None:
    endless = [b"x" * 10_000] * 1000
    with pytest.raises(BrokenAnswer, match="too large"):
        Answer(io.BufferedReader(Trickle([OK + b"\r\n", *endless])), "GET").read(most=1_000_000)
    with pytest.raises(BrokenAnswer, match="too large"):
        Answer(io.BufferedReader(Trickle([OK + b"\r\n", *endless])), "GET").readline(most=1_000_000)
    with pytest.raises(BrokenAnswer, match="broke off"):
        Answer(io.BufferedReader(Trickle([OK + b"Content-Length: 999999999999999\r\n\r\nhello"])), "GET").read()


def test_body_of_just_the_limit_is_taken() -> None:
    assert answer(SIZED).read(most=5) == b"hello"
    with pytest.raises(BrokenAnswer):
        answer(SIZED).read(most=4)
