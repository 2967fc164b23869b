"""How the stand-in agent asks its monit."""

import socket
import threading
from pathlib import Path

import pytest

from tests.stemcell.agent import monit_client
from tests.stemcell.agent.services import Services


def test_an_answer_that_was_cut_off_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Monit is killed by each reload, also while it answers."""
    (tmp_path / "user").write_text("vcap:secret")
    body = '{"services": [{"group": "vcap"}]}'
    answers = [f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{part}" for part in ("", body)]
    server = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(monit_client, "ADDRESS", server.getsockname())
    monkeypatch.setattr(monit_client, "USER", tmp_path / "user")

    def serve() -> None:
        for answer in answers:
            with server.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(answer.encode())

    thread = threading.Thread(target=serve)
    thread.start()
    with server:
        assert monit_client.Monit(Services("")).services() == [{"group": "vcap"}]
        thread.join()
