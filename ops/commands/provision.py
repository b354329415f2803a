"""`nhip provision`: topics, schemas and tables on the servers of the settings; repeatable.

The same steps that `nhip up` takes between the servers and our processes.
"""

from __future__ import annotations

from ops.stack.provision import steps
from transport.settings import Settings


def provision() -> None:
    """Tạo chủ đề, lược đồ, bảng còn thiếu / create the topics, schemas and tables that are missing."""
    for step in steps(Settings.load()):
        print(f"{step.title}: {step.run()}", flush=True)
