"""Mailbox of the demonstration: an SMTP server on loopback that keeps every mail as a file, `python -m ops.demo.mailbox PORT FOLDER`.

A mail is `<number>-<recipient>.eml`, numbered as they came, complete once it has that name; any mail program opens it. Nothing is
delivered anywhere else.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from ops.stack.ports import LOOPBACK

SUFFIX = ".eml"
NAME_LENGTH = 60


class Keeper:
    """Writes each mail into `folder`, under the number after those that are there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._numbers = itertools.count(1 + max((int(p.name.partition("-")[0]) for p in mails(folder)), default=0))

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """The name is aiosmtpd's. Answers 250 once the mail is in the folder."""
        recipient = re.sub(r"[^\w.@-]", "_", (envelope.rcpt_tos or ["nobody"])[0])[:NAME_LENGTH]
        path = self._folder / f"{next(self._numbers):04d}-{recipient}{SUFFIX}"
        part = path.with_suffix(".part")
        content = envelope.content or b""
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
        return "250 kept"


def mails(folder: Path) -> list[Path]:
    """Every complete mail, in the order they came; none where the folder is missing."""
    return sorted(folder.glob(f"[0-9]*-*{SUFFIX}"), key=lambda path: int(path.name.partition("-")[0]))


def read(path: Path) -> EmailMessage:
    """A mail as an object with decoded headers and text."""
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)  # what policy.default builds
    return mail


def subjects(folder: Path) -> Iterator[str]:
    """The subject of every mail."""
    return (str(read(path)["Subject"]) for path in mails(folder))


async def serve(port: int, folder: Path) -> None:
    """Listen until SIGTERM or SIGINT. Raises OSError where the port is taken."""
    keeper, loop, stop = Keeper(folder), asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: SMTP(keeper, hostname=LOOPBACK, enable_SMTPUTF8=True), LOOPBACK, port)
    async with server:
        await stop.wait()


def main(arguments: list[str]) -> int:
    """Two arguments: port and folder."""
    asyncio.run(serve(int(arguments[0]), Path(arguments[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
