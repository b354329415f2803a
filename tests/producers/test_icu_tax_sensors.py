"""Revisions of hospitals and tax, bursts and duplicates of sensors."""

from __future__ import annotations

import json

from producers.fields import instant_of
from tests.producers.support import NOW, identities, parse, sample
from tests.producers.test_bad_input import message


def test_a_later_report_of_a_day_has_a_higher_revision_of_the_same_record() -> None:
    report = json.loads(sample("measure-report.json"))
    report["group"][0]["population"][0]["count"] = 40
    later = report | {"date": "2026-03-20T17:00:00+07:00"}
    first = parse("icu", "a.json", sample("measure-report.json")).observations
    second = parse("icu", "b.json", json.dumps(later).encode()).observations
    assert [o.source_record_id for o in first] == [o.source_record_id for o in second]
    assert all(a.revision < b.revision for a, b in zip(first, second, strict=True))


def test_a_numbered_version_orders_reports() -> None:
    report = json.loads(sample("measure-report.json")) | {"meta": {"versionId": "3"}}
    assert [o.revision for o in parse("icu", "a.json", json.dumps(report).encode()).observations] == [2, 2]


def test_one_hospital_in_a_list_is_refused_alone() -> None:
    good = json.loads(sample("measure-report.json"))
    reports = [good, good | {"reporter": {"identifier": {"value": "BV-XX"}}}, good | {"period": {"start": "2026-03-20"}}]
    parsed = parse("icu", "a.json", json.dumps(reports).encode())
    assert len(parsed.observations) == 2
    assert sorted(r.reason for r in parsed.rejects) == ["impossible_date", "unknown_subject"]


def test_nothing_but_counts_leaves_the_hospital() -> None:
    report = json.loads(sample("measure-report.json")) | {"text": {"status": "generated", "div": "<div>Nguyễn Văn A, giường 7</div>"}}
    parsed = parse("icu", "a.json", json.dumps(report).encode())
    assert len(parsed.observations) == 2
    assert "Nguyễn" not in repr(parsed.observations)


def test_a_corrected_day_of_tax_replaces() -> None:
    header, line = sample("tax-receipts.csv").split(b"\n")[:2]
    again = line.replace(b",1234567890123,1", b",1234567890000,2")
    ids = identities(parse("tax", "a.csv", header + b"\n" + line + b"\n" + again + b"\n").observations)
    assert ids == [("31/2026-03-20/GTGT/NQD", 0, "1234567890123"), ("31/2026-03-20/GTGT/NQD", 1, "1234567890000")]


def test_thirty_minutes_at_once_all_go_through_and_are_marked() -> None:
    lines = "".join(f"TV-HANOI,2026-03-21 07:{minute:02d},9.{minute:02d},m,0\n" for minute in range(0, 60, 5))
    parsed = parse("sensors", "burst.csv", b"station,time,value,unit,flag\n" + lines.encode(), now=NOW)
    assert len(parsed.observations) == 12
    assert [o.quality_flags for o in parsed.observations] == [("late_burst",)] * 9 + [()] * 3


def test_a_message_twice_is_one_identity() -> None:
    payload = b'{"ts": "2026-03-20T07:20:00+07:00", "level_m": 9.62, "seq": 7}'
    first, second = (message("01/hydromet/river_level/TV-HANOI", payload).observations for _ in range(2))
    assert identities(first) == identities(second)
    assert first[0].event_time == instant_of("2026-03-20T00:20:00Z", "t")


def test_a_reading_carries_its_stations_place() -> None:
    [o] = message("01/hydromet/river_level/TV-HANOI", b'{"ts": "2026-03-20T07:20:00+07:00", "level_m": 9.62}').observations
    assert (o.territory, o.lon, o.lat) == ("01", 105.86, 21.04)
