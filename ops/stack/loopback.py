"""Loopback: one GET to a part on this machine: no proxy, no redirect, no log line, with a deadline for each wait.

`python -m ops.stack.loopback <url>` ends with 0 where the answer is 200: the health check of a container.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

TIMEOUT_S = 2.0
LARGEST = 8_000_000


class NoAnswer(OSError):
    """Nothing listens, the answer does not come in time, or it is not HTTP. The text names the address."""


def get(url: str, timeout: float = TIMEOUT_S) -> tuple[int, str]:
    """Status and body (at most `LARGEST` bytes) of `url`. Raises NoAnswer."""
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=timeout)
    try:
        connection.request("GET", where.path or "/", headers={"Connection": "close"})
        with connection.getresponse() as answer:
            return answer.status, answer.read(LARGEST).decode(errors="replace")
    except (OSError, HTTPException) as error:
        raise NoAnswer(f"{url}: {type(error).__name__}: {error}") from error
    finally:
        connection.close()


def main(url: str) -> int:
    """0 for an answer of 200, else 1 with the reason on stderr."""
    try:
        status, body = get(url)
    except NoAnswer as error:
        print(error, file=sys.stderr)
        return 1
    print(body[:1000], file=sys.stdout if status == 200 else sys.stderr)
    return 0 if status == 200 else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
