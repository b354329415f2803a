"""Ports on loopback: the preferred one where it is free, another free one where it is taken."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"
ANY = 0


class Ports:
    """Hands out loopback ports, none twice in its lifetime: two parts planned together must not get the same free port."""

    def __init__(self) -> None:
        self._given: set[int] = set()

    def take(self, preferred: int = ANY) -> int:
        """`preferred` if nothing listens there and it was not given before, else a free port chosen by the kernel."""
        wanted = preferred != ANY and preferred not in self._given and is_free(preferred)
        port = preferred if wanted else self._free()
        self._given.add(port)
        return port

    def _free(self) -> int:
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind((LOOPBACK, ANY))
                port = int(probe.getsockname()[1])
            if port not in self._given:
                return port


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of loopback now. A port that is only in TIME_WAIT counts as free, as it does for a server."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
