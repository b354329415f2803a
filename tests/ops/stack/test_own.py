"""A child of the stack sees exactly the settings of its parent, of every type."""

from __future__ import annotations

import pytest

from ops.stack.own import environment
from transport.settings import Settings


def test_every_setting_comes_back_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Settings.load(receipts_of=frozenset({"sms", "zalo"}), topic_prefix="thử.")
    for name, value in environment(given, {}).items():
        if name.startswith("NHIP_"):
            monkeypatch.setenv(name, value)
    assert Settings.load() == given
