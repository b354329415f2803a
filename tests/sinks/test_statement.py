"""How a question's file is read: what is asked first, and which lines are asked after it."""

from __future__ import annotations

import pytest

from sinks.questions.statement import read

WHOLE = """-- name_vi: x
-- a word
-- first
SELECT 1 AS some
-- then
SELECT 2,
-- if some
    -- indented words stay
    3
-- else
    4
-- end
FROM t"""


def test_lines_are_asked_where_the_first_answer_says_so() -> None:
    found = read(WHOLE)
    assert found.first == "SELECT 1 AS some"
    assert found.text({"some": 1}) == "SELECT 2,\n    -- indented words stay\n    3\nFROM t"
    assert found.text({"some": False}) == "SELECT 2,\n    4\nFROM t"
    with pytest.raises(KeyError, match="some"):
        found.text({})


def test_a_plain_file_has_nothing_to_ask_first() -> None:
    found = read("-- name_vi: x\nSELECT 1\n-- words\nFROM t")
    assert (found.first, found.text({})) == ("", "SELECT 1\nFROM t")


@pytest.mark.parametrize(
    ("text", "why"),
    [("\n-- then\nSELECT 1", "belong together"), ("x\n-- first\nSELECT 1", "belong together"), ("-- if a\n-- if b\n-- end", "inside"),
     ("-- end", "without `-- if`"), ("-- else", "without `-- if`"), ("-- if a\nx", "without `-- end`")],
)  # fmt: skip
def test_a_mark_without_its_place_is_told(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(text)
