"""Bad input against every adapter it can reach: one record is refused with its reason, its neighbours go through, nothing raises.

Each case takes a golden sample and spoils one record of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from producers.documents import Parsed
from producers.open_data import FLOW
from producers.sensors import Sensors
from tests.producers.support import ADAPTERS, DOOR, NOW, Remembering, parse, reasons, sample
from tests.producers.test_samples import DOCUMENTS

LEFT = {name: len(parse(source, name, sample(name)).observations) for name, source in DOCUMENTS.items()}


@dataclass(frozen=True)
class Case:
    """`old` → `new` in a sample is refused as `reason` at `field`, and costs `lost` observations."""

    name: str
    old: str
    new: str
    reason: str
    field: str
    lost: int = 1


CASES = [
    # unknown territory, agency's province, subject, code of tax
    Case("tax-receipts.csv", "31,2026-03-20,GTGT", "99,2026-03-20,GTGT", "unknown_territory", "territory"),
    Case("tax-receipts.csv", "31,2026-03-20,GTGT", "30,2026-03-20,GTGT", "unknown_territory", "territory"),
    Case("tax-receipts.csv", "GTGT,NQD", "XYZ,NQD", "validation", "tax"),
    Case("tax-receipts.json", '"area": "48"', '"area": "00"', "unknown_territory", "territory"),
    Case("revenue-estimate.csv", "\n31,", "\n77,", "unknown_territory", "territory"),
    Case("declarations.edi", "LOC+41+18BN:128", "LOC+41+99BN:128", "unknown_territory", "office", 2),
    Case("disbursement.jsonl", '"unit": "DA-31-02"', '"unit": "DA-31-99"', "unknown_subject", "subject_id"),
    Case("disbursement.jsonl", '"unit": "DA-31-02", "area": "31"', '"unit": "DA-31-02", "area": "30"', "unknown_territory", "territory"),
    Case("plans.csv", "31,2026,DP", "98,2026,DP", "unknown_territory", "territory"),
    Case("station-table.csv", "TV-HANOI", "TV-NOWHERE", "unknown_subject", "station"),
    Case("measure-report.json", "BV-31-01", "BV-99-99", "unknown_subject", "hospital", 2),
    Case("icu-return.csv", "BV-48-01", "BV-99-99", "unknown_subject", "hospital", 2),
    # impossible and missing dates
    Case("tax-receipts.csv", "01,2026-03-20", "01,2026-02-30", "impossible_date", "ngay"),
    Case("tax-receipts.csv", "01,2026-03-20", "01,", "impossible_date", "ngay"),
    Case("tax-receipts.csv", "01,2026-03-20", "01,2027-03-20", "impossible_date", "event_time"),
    Case("tax-receipts.csv", "01,2026-03-20", "01,1999-12-31", "impossible_date", "event_time"),
    Case("tax-receipts.json", "2026-03-20", "2026-13-20", "impossible_date", "date", 2),
    Case("declarations.edi", "DTM+132:20260320:102", "DTM+132:20260332:102", "impossible_date", "DTM", 2),
    Case("declarations.edi", "DTM+132:20260320:102'", "FTX+ZZZ'", "impossible_date", "DTM", 2),
    Case("disbursement.jsonl", '"effective_date": "2026-01-30"', '"effective_date": "2026-01-32"', "impossible_date", "effective_date"),
    Case("disbursement.jsonl", '"effective_date": "2026-01-30"', '"effective_date": "2026-03-21"', "impossible_date", "effective_date"),
    Case("plans.csv", "2025-12-26", "2028-12-26", "impossible_date", "event_time"),
    Case("station-table.csv", "TV-HANOI,2026-03-20 07:20", "TV-HANOI,2026-03-20 27:20", "impossible_date", "time"),
    Case("station-table.csv", "TV-HANOI,2026-03-20", "TV-HANOI,2026-03-22", "impossible_date", "event_time"),
    Case("measure-report.json", '"2026-03-20T23:59:59+07:00"', '"2026-03-23T23:59:59+07:00"', "impossible_date", "period", 2),
    Case("icu-return.csv", "BV-48-01,2026-03-20", "BV-48-01,20-03-2026", "impossible_date", "ngay", 2),
    # numbers: NaN, infinity, words, decimals where whole, over the limit, implausible
    Case("tax-receipts.csv", "98765432100", "NaN", "not_a_number", "so_tien_dong"),
    Case("tax-receipts.csv", "98765432100", "Infinity", "not_a_number", "so_tien_dong"),
    Case("tax-receipts.csv", "98765432100", "", "not_a_number", "so_tien_dong"),
    Case("tax-receipts.csv", "98765432100", "98765432100.5", "wrong_scale", "so_tien_dong"),
    Case("tax-receipts.csv", "98765432100", "1e21", "out_of_range", "so_tien_dong"),
    Case("tax-receipts.csv", "98765432100", "9e999", "out_of_range", "so_tien_dong"),
    Case("tax-receipts.json", "45600000000", "NaN", "not_a_number", "amount_vnd"),
    Case("tax-receipts.json", "45600000000", "-Infinity", "not_a_number", "amount_vnd"),
    Case("declarations.edi", "MOA+123:2500000:USD", "MOA+123:NaN:USD", "not_a_number", "MOA", 2),
    Case("declarations.edi", "MOA+123:2500000:USD", "MOA+123:2500000:EUR", "validation", "MOA", 2),
    Case("declarations.edi", "MOA+123:2500000:USD", "MOA+123:0.12345678:USD", "wrong_scale", "value", 2),
    Case("declarations.edi", "MOA+123:2500000:USD", "MOA+123:1e21:USD", "out_of_range", "value", 2),
    Case("declarations.edi", "CST+1+851713:122", "CST+1+85X713:122", "validation", "hs", 2),
    Case("disbursement.jsonl", '"amount_vnd": 5000000000', '"amount_vnd": 5000000000.25', "wrong_scale", "amount_vnd"),
    Case("disbursement.jsonl", '"amount_vnd": 5000000000', '"amount_vnd": NaN', "not_a_number", "amount_vnd"),
    Case("disbursement.jsonl", '"amount_vnd": 5000000000', '"amount_vnd": true', "not_a_number", "amount_vnd"),
    Case("disbursement.jsonl", '"amount_vnd": 5000000000', '"amount_vnd": -5000000000', "out_of_range", "amount_vnd"),
    Case("plans.csv", "5200000000000", "-1", "out_of_range", "so_tien_dong"),
    Case("plans.csv", "2026,DP", "2026,XX", "validation", "loai_ke_hoach"),
    Case("station-table.csv", "9.62,m,0", "-999,m,0", "sentinel", "value"),
    Case("station-table.csv", "9.62,m,0", "9.62,m,9", "sentinel", "flag"),
    Case("station-table.csv", "9.62,m,0", '"9,62",m,0', "not_a_number", "value"),
    Case("station-table.csv", "9.62,m,0", "9.1234567,m,0", "wrong_scale", "value"),
    Case("station-table.csv", "9.62,m,0", "96200,m,0", "out_of_range", "value"),
    Case("station-table.csv", "9.62,m,0", "9.62,ft,0", "validation", "unit"),
    Case("measure-report.json", '"count": 38', '"count": -38', "out_of_range", "group.population.count", 2),
    Case("measure-report.json", '"count": 38', '"count": "many"', "contract", "group.0.population.0.count", 2),
    Case("measure-report.json", "112575-6", "112575-9", "validation", "group.code", 2),
    Case("icu-return.csv", "48,41", "48,49", "validation", "giuong_icu_su_dung", 2),
    Case("icu-return.csv", "48,41", "48,41.5", "wrong_scale", "giuong_icu_su_dung", 2),
    Case("icu-return.csv", "48,41", "-999,41", "out_of_range", "giuong_icu", 2),
    # markets: sessions, «no value», scales, bands; the closing snapshot has two figures of the day besides
    Case("market-snapshots.csv", "HOSE,2026-03-20T10:00", "NYSE,2026-03-20T10:00", "validation", "san", 3),
    Case("market-snapshots.csv", "HOSE,2026-03-20T10:00", "HOSE,2026-03-20T08:57", "validation", "thoi_diem", 3),
    Case("market-snapshots.csv", "HOSE,2026-03-20T10:00", "HOSE,2026-03-20T12:00", "validation", "thoi_diem", 3),
    Case("market-snapshots.csv", "HOSE,2026-03-20T10:00", "HOSE,2026-02-17T10:00", "validation", "thoi_diem", 3),
    Case("market-snapshots.csv", "HOSE,2026-03-20T10:00", "HOSE,2026-01-10T10:00", "validation", "thoi_diem", 3),
    Case("market-snapshots.csv", "HOSE,2026-03-20T10:00", "HOSE,2026-03-23T10:00", "impossible_date", "event_time", 3),
    Case("market-snapshots.csv", "HOSE,2026-03-20T10:00", "HOSE,9999-03-19T10:00", "impossible_date", "thoi_diem", 3),
    Case("market-snapshots.csv", "1327.10,3.21", "-1,3.21", "sentinel", "chi_so", 3),
    Case("market-snapshots.csv", "1327.10,3.21", "1327.101,3.21", "wrong_scale", "chi_so", 3),
    Case("market-snapshots.csv", "1327.10,3.21", "9e999,3.21", "out_of_range", "chi_so", 3),
    Case("market-snapshots.csv", "1327.10,3.21", "1327.10,93.21", "out_of_range", "thay_doi", 3),
    Case("market-snapshots.csv", "1327.10,3.21", "1327.10,1400", "out_of_range", "thay_doi", 3),
    Case("market-snapshots.csv", "1327.10,3.21", "NaN,3.21", "not_a_number", "chi_so", 3),
    Case("market-snapshots.csv", "4956639369843", "4956639", "wrong_scale", "gia_tri_giao_dich_dong", 3),
    Case("market-snapshots.csv", "4956639369843", "4956639369843.5", "wrong_scale", "gia_tri_giao_dich_dong", 3),
    Case("market-snapshots.csv", "4956639369843", "-999", "sentinel", "gia_tri_giao_dich_dong", 3),
    Case("market-snapshots.csv", "190310798", "-5", "out_of_range", "khoi_luong", 3),
    Case("market-snapshots.csv", "341690839694656", "341690", "wrong_scale", "von_hoa_dong", 5),
    Case("market-snapshots.csv", "von_hoa_dong", "von_hoa", "changed_header", "von_hoa_dong", 14),
    Case("market-snapshots.json", '"index": 1327.10', '"index": "x"', "not_a_number", "index", 3),
    Case("market-snapshots.json", "2026-03-20T15:00:00", "2026-03-20T15:04:00", "validation", "time", 5),
    Case("market-snapshots.json", '"snapshots"', '"ticks"', "contract", "", 14),
    Case("gold-quotes.csv", "SJC,2026-03-20T10", "SJC,2026-03-20T19", "validation", "thoi_diem", 2),
    Case("gold-quotes.csv", "144400000,145900000", "14440000,14590000", "wrong_scale", "mua_vao_dong", 2),
    Case("gold-quotes.csv", "144400000,145900000", "144400,145900", "wrong_scale", "mua_vao_dong", 2),
    Case("gold-quotes.csv", "144400000,145900000", "145900000,144400000", "validation", "ban_ra_dong", 2),
    Case("gold-quotes.csv", "144400000,145900000", "144400000,-1", "sentinel", "ban_ra_dong", 2),
    Case("gold-quotes.csv", "\nSJC", "\nS|C", "contract", "thuong_hieu", 2),
    Case("gold-quotes.json", '"sell_vnd": 145900000', '"sell_vnd": true', "not_a_number", "sell_vnd", 2),
    # shape of lines and files
    Case("tax-receipts.csv", "98765432100,1", "98765432100", "validation", ""),
    Case("tax-receipts.csv", "so_tien_dong", "so_tien", "changed_header", "so_tien_dong", 3),
    Case("plans.csv", "lan_dieu_chinh", "lan", "changed_header", "lan_dieu_chinh", 3),
    Case("station-table.csv", "station,time", "tram,time", "changed_header", "station", 3),
    Case("icu-return.csv", "phien_ban", "ban", "changed_header", "phien_ban", 4),
    Case("revenue-estimate.csv", "ma_dia_ban", "dia_ban", "changed_header", "ma_dia_ban", 1),
    Case("disbursement.jsonl", '"fund": "01", "account": "8211", "economic_content": "9301", "budget_level": "2", "unit": "DA-31-02"',
         '"unit": "DA-31-02"', "validation", "fund"),
    Case("disbursement.jsonl", '"entries": 3', '"entries": 4', "truncated", "trailer.entries", 0),
    Case("disbursement.jsonl", '"total_vnd": 23000000000', '"total_vnd": 1', "contract", "trailer.total_vnd", 0),
    Case("declarations.edi", "UNT+9+2", "UNT+8+2", "truncated", "UNT", 2),
    Case("declarations.edi", "UNZ+4", "UNZ+5", "contract", "UNZ", 0),
    Case("declarations.edi", "CUSDEC:D:96B:UN'BGM+830+105512345671+9", "CUSRES:D:96B:UN'BGM+830+105512345671+9", "contract", "UNH", 2),
    Case("declarations.json", '"version": 1,', '"version": "one",', "not_a_number", "version", 2),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.name}-{c.reason}-{c.field}-{c.new[:24]}")
def test_one_is_refused_with_its_reason_and_the_rest_goes_through(case: Case) -> None:
    text = sample(case.name).decode()
    assert case.old in text, "the case spoils nothing"
    parsed = parse(DOCUMENTS[case.name], case.name, text.replace(case.old, case.new, 1).encode())
    assert (case.reason, case.field) in reasons(parsed.rejects)
    assert len(parsed.observations) == LEFT[case.name] - case.lost
    assert all(r.original and r.place.startswith(case.name) and r.provider for r in parsed.rejects)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_file_in_another_encoding_is_refused_not_misread(name: str) -> None:
    parsed = parse(DOCUMENTS[name], name, sample(name).decode().encode("utf-16"))
    assert parsed.observations == []
    assert {r.reason for r in parsed.rejects} <= {"wrong_encoding", "changed_header", "decode", "truncated"}
    assert parsed.rejects


@pytest.mark.parametrize("name", DOCUMENTS)
def test_one_line_in_another_encoding_does_not_hide_its_neighbours(name: str) -> None:
    data = sample(name)
    spoiled = data.rstrip() + b"\n" + "Đắk Lắk".encode("cp1258", "replace") + b"\xff\xfe\n"
    parsed = parse(DOCUMENTS[name], name, spoiled)
    assert parsed.rejects
    if name.endswith((".csv", ".jsonl", ".edi")):
        assert len(parsed.observations) == LEFT[name]


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("share", [0.35, 0.6, 0.97])
def test_a_truncated_file_gives_its_whole_records_and_one_refusal(name: str, share: float) -> None:
    data = sample(name).rstrip()
    parsed = parse(DOCUMENTS[name], name, data[: int(len(data) * share)])
    assert parsed.rejects
    whole = {(o.source_record_id, o.revision) for o in parse(DOCUMENTS[name], name, sample(name)).observations}
    assert {(o.source_record_id, o.revision) for o in parsed.observations} <= whole


@pytest.mark.parametrize("name", DOCUMENTS)
def test_two_megabytes_in_one_record_are_refused(name: str) -> None:
    data = sample(name)
    head = data.split(b"\n", 1)[0] + b"\n" if name.endswith(".csv") else b""
    parsed = parse(DOCUMENTS[name], name, head + b"9" * (2 << 20) + b"\n")
    assert parsed.observations == []
    assert parsed.rejects


RUBBISH = [b"\x00" * 64, b"\xff\xd8\xff\xe0 JFIF", b"null", b"[]]", b"{", b'"text"', b"[[[[", b"'+'+'", b"UNB+'", b",,,\n,,,\n"]


@pytest.mark.parametrize("data", RUBBISH)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_rubbish_is_refused_by_every_adapter(name: str, data: bytes) -> None:
    parsed = parse(DOCUMENTS[name], name, data)
    assert parsed.observations == []
    assert parsed.rejects


@pytest.mark.parametrize(("payload", "reason", "field"), [
    (b"", "truncated", ""), (b"{", "truncated", ""), (b"\xff\xfe{}", "wrong_encoding", ""), (b"[1]", "validation", "payload"),
    (b'{"ts": "2026-03-20T07:20:00+07:00"}', "not_a_number", "level_m"),
    (b'{"ts": "2026-03-20T07:20:00+07:00", "level_m": -999}', "sentinel", "value"),
    (b'{"ts": "2026-03-20T07:20:00+07:00", "level_m": NaN}', "not_a_number", "level_m"),
    (b'{"ts": "yesterday", "level_m": 9.5}', "impossible_date", "ts"),
    (b'{"level_m": 9.5}', "impossible_date", "ts"),
    (b'{"ts": "2026-03-20T07:20:00+07:00", "level_m": 9.5, "seq": "x"}', "not_a_number", "seq"),
    (b'{"phenomenonTime": "2026-03-20T00:20:00Z", "result": 1, "Datastream": {"@iot.id": "wind-X"}}', "contract", "Datastream.@iot.id"),
    (b'{"ts": "2026-03-20T07:20:00+07:00", "level_m": 9.5, "pad": "' + b"x" * (2 << 20) + b'"}', "too_large", ""),
], ids=lambda v: str(v)[:30])  # fmt: skip
def test_a_bad_message_is_refused_with_its_reason(payload: bytes, reason: str, field: str) -> None:
    assert reasons(message("01/hydromet/river_level/TV-HANOI", payload).rejects) == [(reason, field)]


def test_a_message_on_an_unknown_topic_is_refused() -> None:
    payload = b'{"ts": "2026-03-20T07:20:00+07:00", "level_m": 9.5}'
    assert reasons(message("01/hydromet/wind/TV-HANOI", payload).rejects) == [("contract", "topic")]


def test_open_data_by_another_name_or_header_is_refused() -> None:
    assert reasons(parse("open_data", "prices.csv", b"a,b\n1,2\n").rejects) == [("contract", "")]
    assert parse("open_data", "water-flow-2.csv", b"Time,Flow\n2022-03-20T11:00:00+01:00,1\n").rejects[0].reason == "changed_header"
    good = parse("open_data", "water-flow-2.csv", b"Time,Water flow [l/s]\n2022-03-20T11:00:00+01:00,100.59\nx,1\n")
    assert [o.subject_id for o in good.observations] == [FLOW]
    assert reasons(good.rejects) == [("impossible_date", "Time")]


def test_no_refusal_of_customs_carries_a_traders_code() -> None:
    spoiled = sample("declarations.edi").decode().replace("MOA", "MOX").encode()
    torn = sample("declarations.json")[:400]
    rejects = parse("customs", "declarations.edi", spoiled).rejects + parse("customs", "declarations.json", torn, Remembering()).rejects
    rejects += parse("customs", "x.edi", b"UNB+UNOC:3+0200170392:ZZ+V:ZZ'UNH+1+CUSDEC'NAD+IM+02001").rejects
    assert rejects
    text = b"\n".join(r.original + r.detail.encode() + r.place.encode() for r in rejects)
    assert b"0200170392" not in text
    assert b"0100109106" not in text
    assert b"NAD+IM+02001" not in text


def test_details_never_repeat_the_value() -> None:
    secret = "7654321.7654321"
    parsed = parse("sensors", "station-table.csv", sample("station-table.csv").replace(b"9.62", secret.encode()))
    assert parsed.rejects
    assert all(secret not in r.detail for r in parsed.rejects)


def test_a_list_of_json_declarations_refuses_one_alone() -> None:
    records = json.loads(sample("declarations.json"))
    other = records[0] | {"declaration": "305512345681", "office": "99ZZ"}
    parsed = parse("customs", "d.json", json.dumps([records[0], other]).encode())
    assert [o.source_record_id for o in parsed.observations] == ["305512345680/1"]
    assert [r.place for r in parsed.rejects] == ["d.json#2"]


def message(topic: str, payload: bytes, now: int = NOW) -> Parsed:
    adapter = ADAPTERS["sensors"]
    assert isinstance(adapter, Sensors)
    into = Parsed("sensors", adapter.provider, DOOR, now)
    adapter.parse_message(topic, payload, f"{topic}:1", into)
    return into
