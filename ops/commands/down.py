"""`nhip down`: stop the local stack; its data stays."""

from __future__ import annotations

from ops.stack.control import down as stop
from transport.settings import Settings


def down() -> None:
    """Dừng hệ thống, giữ dữ liệu / stop the system, keep its data."""
    stopped = stop(Settings.load().data_dir, print)
    print("Đã dừng / stopped." if stopped else "Hệ thống không chạy / nothing was running.")
