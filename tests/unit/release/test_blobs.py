"""The sources of others that a release holds: where they are found, and what counts for nothing."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from cpi.release.maker import blobs
from cpi.release.maker.errors import ReleaseError

ROOT = Path(__file__).parents[3]


def blob(content: bytes, url: str = "https://127.0.0.1:1/none") -> blobs.Blob:
    return blobs.Blob("lib/lib-1.tar.gz", len(content), hashlib.sha256(content).hexdigest(), url)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/bosh-kubernetes-cpi/blobs"


@pytest.mark.parametrize("name", ["lib/lib-1.tar.gz", "lib-1.tar.gz", hashlib.sha256(b"right").hexdigest()])
def test_blob_is_found_in_a_given_folder_by_path_name_or_digest(tmp_path: Path, cache: Path, name: str) -> None:
    (tmp_path / "given/lib").mkdir(parents=True)
    (tmp_path / "given" / name).write_bytes(b"right")

    assert blobs.find(blob(b"right"), [tmp_path / "given"]) == tmp_path / "given" / name


def test_blob_is_downloaded_once_and_then_kept(tmp_path: Path, cache: Path) -> None:
    published = tmp_path / "published"
    published.write_bytes(b"right")
    wanted = blob(b"right", published.as_uri())

    first = blobs.find(wanted)
    published.unlink()

    assert first == blobs.find(wanted) == cache / wanted.sha256
    assert first.read_bytes() == b"right"
    assert [path.name for path in cache.iterdir()] == [wanted.sha256]


def test_blob_of_another_digest_is_refused_wherever_it_comes_from(tmp_path: Path, cache: Path) -> None:
    published = tmp_path / "lib-1.tar.gz"
    published.write_bytes(b"wrong")
    cache.mkdir(parents=True)
    (cache / hashlib.sha256(b"right").hexdigest()).write_bytes(b"wrong")

    with pytest.raises(ReleaseError, match=f"has a file of SHA-256 {hashlib.sha256(b'wrong').hexdigest()}, not"):
        blobs.find(blob(b"right", published.as_uri()), [tmp_path])

    assert [path.read_bytes() for path in cache.iterdir()] == [b"wrong"]  # nothing new


def test_blob_that_nobody_has_is_told_with_its_url_and_what_to_do(cache: Path) -> None:
    with pytest.raises(ReleaseError, match=r"cannot be downloaded from https://127\.0\.0\.1:1/none .* --blobs"):
        blobs.find(blob(b"right"))

    assert list(cache.iterdir()) == []


@contextmanager
def server(answer: bytes) -> Iterator[str]:
    """STAND-IN for a place where blobs are published: every request is answered by these bytes, then it hangs up."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/lib-1.tar.gz"
        finally:
            http.shutdown()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nrig", "it ended after 3 of 5 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nrig", "IncompleteRead"),
        (b"SSH-2.0-OpenSSH\r\n", "SSH-2.0-OpenSSH"),
    ],
)
def test_download_that_ends_early_is_no_other_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    monkeypatch.setenv("no_proxy", "*")

    with server(answer) as url, pytest.raises(ReleaseError, match=rf"cannot be downloaded from {url} \(.*{said}"):
        blobs.find(blob(b"right", url))

    assert list(cache.iterdir()) == []


def test_url_that_is_none_is_told(cache: Path) -> None:
    with pytest.raises(ReleaseError, match=r"cannot be downloaded from right here .*unknown url type"):
        blobs.find(blob(b"right", "right here"))


def test_files_that_only_have_the_name_are_told_when_nobody_has_the_blob(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "lib-1.tar.gz").write_bytes(b"wrong")

    with pytest.raises(ReleaseError, match=f"--blobs FOLDER; of another digest: {tmp_path}/lib-1.tar.gz"):
        blobs.find(blob(b"right"), [tmp_path])


@pytest.mark.parametrize("broken", ["sha", "size", "url", ""])
def test_blob_without_a_pin_is_refused(folder: Path, broken: str) -> None:
    index = folder / "config/blobs.yml"
    entries = yaml.safe_load(index.read_text())
    if broken:
        del entries["zlib/zlib-1.tar.gz"][broken]
    else:
        entries["zlib/zlib-1.tar.gz"] = None
    index.write_text(yaml.safe_dump(entries))

    with pytest.raises(ReleaseError, match=r"zlib/zlib-1\.tar\.gz needs size, sha"):
        blobs.listed(folder)


def test_pinned_blobs_are_upstreams() -> None:
    pinned = blobs.listed(ROOT / "cpi/release")

    assert [Path(one.path).parts[0] for one in pinned] == ["openssl", "python", "zlib"]
    assert all(one.url.startswith("https://") and one.url.endswith(Path(one.path).name) for one in pinned)
