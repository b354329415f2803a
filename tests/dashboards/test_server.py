"""The socket under the board."""

from __future__ import annotations

import socket

import pytest

from dashboards.main import Server
from dashboards.settings import BoardSettings
from tests.dashboards.conftest import made


@pytest.mark.loopback
def test_the_second_part_of_an_answer_waits_for_no_acknowledgement(adrift: BoardSettings) -> None:
    """An answer is two writes, head and body; on a kept connection the reader acknowledges the first 40 ms later."""
    server = Server(made(adrift))
    with server._socket, socket.create_connection(("127.0.0.1", server.port), timeout=5):
        accepted, _ = server._socket.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
