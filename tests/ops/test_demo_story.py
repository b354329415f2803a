"""The story that the demonstration tells: every step happens, each person hears of it once, and a second reading is silent."""

from __future__ import annotations

from alerts.main import story_of
from ops.demo.story import play
from transport.settings import HOME, Settings


def test_the_whole_story_of_one_alert_and_its_silence_when_read_again() -> None:
    lines: list[str] = []
    story, _ = story_of(Settings.load())
    first, again = play(HOME, story, lines.append)
    assert first.transitions == ["opened", "escalated", "explained", "corrected", "cleared", "closed"]
    assert len(set(first.events)) == len(first.events)
    assert len(set(first.messages)) == len(first.messages)
    assert (again.events, again.messages) == ([], []), "read again, nobody hears a thing"
    text = "\n".join(lines)
    parts = ("Hải Phòng", "43,20 %", "→ finance_department@31", "→ chair_province@31", "→ office_province@31", "Đính chính")
    for part in (*parts, "0 diễn biến mới, 0 thông báo"):
        assert part in text, text
