"""Two processes under one static member's name: each keeps taking it from the other, and one must end."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import Any

import pytest

from transport import watchdog
from transport.watchdog import EXIT_OUT_OF_GROUP, NAME_SECONDS, OwnName, watch


@pytest.mark.parametrize(
    ("seen", "ends"),
    [
        ([(0, "a"), (1, "a"), (2, "a")], []),
        ([(0, ""), (1, "a"), (2, ""), (3, "b"), (4, "b")], []),  # it slept past its session, once
        ([(0, "a"), (5, "b"), (5 + NAME_SECONDS, "c"), (6 + 2 * NAME_SECONDS, "d")], []),  # now and then
        ([(0, "a"), (5, "b"), (6, ""), (8, "c")], [8]),
        ([(0, "a"), (1, "b"), (NAME_SECONDS, "c")], [NAME_SECONDS]),
    ],
)
def test_once_is_a_long_sleep_and_twice_is_another_process(seen: list[tuple[float, str]], ends: list[float]) -> None:
    name = OwnName()
    assert [at for at, member in seen if name.taken(member, at)] == ends


def test_the_watchdog_ends_the_process_whose_name_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    members = iter(["a", "b", "c"])

    class Coordinator:
        def check_errors(self) -> None:
            """None."""

        @property
        def member_id(self) -> str:
            return next(members)

    class Ended(BaseException):
        pass

    def end(status: int) -> None:
        raise Ended(status)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(watchdog, "coordinator_errors", lambda app: Coordinator())
    app: Any = SimpleNamespace(crashed=False)
    with pytest.raises(Ended) as ended:
        asyncio.run(asyncio.wait_for(watch(app, lambda: (), 0.0), 10))
    assert ended.value.args == (EXIT_OUT_OF_GROUP,)
    assert next(members, None) is None
