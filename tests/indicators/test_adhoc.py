"""Ad-hoc sets: what a file must say, what it may not collide with, and what a vocabulary makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from indicators.adhoc import AdhocSet, read_set
from indicators.datafile import DataFileError
from indicators.instant import day_start
from indicators.vocabulary import Vocabulary
from transport.emergencies import LEAD_MS, EmergencyBook, OrderedSet, set_key, words_of
from transport.settings import HOME

FILE = """\
id: lua-ngap-2026
title_vi: Diện tích lúa bị ngập sau bão số 12
title_en: Rice under water after storm 12
document: "123/VPCP-KSTT ngày 02/11/2026"
starts_on: 2026-11-02
ends_on: 2026-12-31
owner_agency: MAE
provider: PPC
indicators:
- {code: C1, name_vi: Diện tích lúa bị ngập, name_en: Rice area under water, measure_unit: ha, additivity: stock, period_types: [day],
   scale: 1, minimum: "0", maximum: "1000000"}
- {code: C2, name_vi: Diện tích lúa mất trắng, name_en: Rice area lost, measure_unit: ha, additivity: stock, period_types: [day],
   scale: 1, minimum: "0", maximum: "1000000"}
"""


def written(folder: Path, text: str = FILE) -> Path:
    path = folder / "lua-ngap.yaml"
    path.write_text(text, "utf-8")
    return path


def test_a_set_gives_series_and_rows_that_a_vocabulary_takes_in(tmp_path: Path) -> None:
    content, vocabulary = read_set(written(tmp_path)), Vocabulary(HOME)
    before = len(list(vocabulary.series_specs()))
    assert content.collisions(vocabulary) == []
    vocabulary.adopt(content.specs(7), content.rows())
    spec = vocabulary.series_spec("adhoc-lua-ngap-2026/C1")
    assert spec is not None
    assert (spec.group, spec.fold, spec.measure_unit, spec.opens) == ("emergency", "reported", "ha", 7)
    assert spec.ends == day_start(content.ends_on) + 86_400_000, "the last day is included"
    row = vocabulary.indicator("adhoc-lua-ngap-2026/C2")
    assert row is not None
    assert (row.name_vi, row.legal_basis, row.providers) == ("Diện tích lúa mất trắng", (content.document,), ("PPC",))
    assert len(list(vocabulary.series_specs())) == before + 2
    assert content.collisions(vocabulary)[0].startswith("đã mở bộ «lua-ngap-2026»")
    assert Vocabulary.load(HOME).series_spec("adhoc-lua-ngap-2026/C1") is None, "each vocabulary takes its own in"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ends_on: 2026-12-31", "ends_on: 2028-12-31", "at most a year"),
        ("code: C2", "code: C1", "given twice"),
        ("ends_on: 2026-12-31\n", "", "ends_on"),
        ('minimum: "0", maximum: "1000000"}\n- {code: C2', 'minimum: "9", maximum: "1"}\n- {code: C2', "above maximum"),
        ("period_types: [day]", "period_types: [week]", "period_types"),
    ],
)
def test_a_wrong_file_is_refused_with_its_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(DataFileError, match=said):
        read_set(written(tmp_path, FILE.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name_vi: Diện tích lúa bị ngập,", "name_vi: Số NGƯỜI được cứu,", None),
        ("name_vi: Diện tích lúa bị ngập,", "name_vi: diện tích thủy sản,", "vn-1012/D.3"),
        ("measure_unit: ha, additivity: stock, period_types: [day],\n   scale: 1, minimum: \"0\", maximum: \"1000000\"}\n- {code: C2",
         "measure_unit: mau, additivity: stock, period_types: [day],\n   scale: 1, minimum: \"0\", maximum: \"1000000\"}\n- {code: C2",
         "mau"),
        ("owner_agency: MAE", "owner_agency: NONE", "NONE"),
    ],
)  # fmt: skip
def test_a_set_that_collides_with_the_catalogue_is_not_opened(tmp_path: Path, old: str, new: str, said: str | None) -> None:
    assert old in FILE
    found = read_set(written(tmp_path, FILE.replace(old, new))).collisions(Vocabulary.load(HOME))
    assert (said is None and not found) or (len(found) == 1 and said is not None and said in found[0])


def test_the_first_row_of_a_set_counts_and_a_broken_one_is_counted(tmp_path: Path) -> None:
    content, book = read_set(written(tmp_path)), EmergencyBook()
    for n, title in enumerate(("Bộ thứ nhất", "Bộ thứ hai")):
        row = OrderedSet(content=content.model_copy(update={"title_vi": title}), actor="vpcp", why="lệnh", at=n)
        book.take(set_key(row), row.model_dump_json().encode(), 1000 * (n + 1))
    book.take(b"adhoc|x|1", b"{}", 9)
    (one,) = book.sets.values()
    assert (one.row.content.title_vi, one.effective, book.unreadable, book.version) == ("Bộ thứ nhất", 1000 + LEAD_MS, 1, 0)
    specs, rows = words_of(book.sets.values())
    assert {s.opens for s in specs} == {one.effective}
    assert [r.code for r in rows] == ["C1", "C2"]
    assert AdhocSet.model_validate_json(content.body()) == content
