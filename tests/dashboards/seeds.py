"""Rows as the sink would have written them, few and generated: every kind of depth, clearance and territory, and a picture for the pages.

PLANTED lists what the leak matrix looks for: which view shows which row to whom, told by the row's own attributes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

NOW: Final = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)
NOW_MS: Final = int(NOW.timestamp() * 1000)
MONTH: Final = datetime(2026, 9, 30, 17, 0, tzinfo=UTC)
MONTHS: Final = (datetime(2026, 7, 31, 17, tzinfo=UTC), datetime(2026, 8, 31, 17, tzinfo=UTC), MONTH)
PANE: Final = (2026 - 1970) * 12 + 9
TERRITORIES: Final = ("01", "31", "26732", "VN")
"""Hà Nội, Hải Phòng, Côn Đảo in Hồ Chí Minh City (79), the country."""
LEVELS: Final = (0, 5)
TAX, ICU, PRICES = "vn-1012/A.II.4", "guide-7146/T14.ICU", "vn-1012/A.I.1"
CRIME: Final = "vn-1012/A.XI.7"
"""Owed every month by the 25th: August came in time, September late, October not yet."""


class Planted(NamedTuple):
    """A row of a view: `depth` and `level` it asks of its reader; `key` names it."""

    view: str
    key: str
    territory: str
    depth: int
    level: int


def series(indicator: str, territory: str, kind: str, level: int) -> tuple[str, str, str, list[dict[str, str]]]:
    """(series key, subject type, subject id, dimensions) of a series of one depth."""
    component = "occupied" if indicator == ICU else ""
    subject = ("hospital", f"BV-{territory}-{level}") if kind == "subject" else ("", "")
    dimensions = [{"name": "tax_type", "value": f"v{level}"}] if kind == "breakdown" else []
    joined = ";".join(f"{d['name']}={d['value']}" for d in dimensions)
    middle = f"{subject[0]}:{subject[1]}" if subject[0] else ""
    return f"{indicator}|{component}|{territory}|{middle}|{joined}|actual", *subject, dimensions


DEPTHS: Final = {"total": 0, "breakdown": 1, "subject": 2}


def plant(client: Client) -> list[Planted]:
    """Fill the tables for the matrix; what was planted."""
    planted: list[Planted] = []
    number = 0
    observations: list[list[Any]] = []
    panes: list[list[Any]] = []
    for indicator, kinds, levels in ((TAX, ("total", "breakdown"), (0,)), (ICU, ("subject",), LEVELS)):
        for territory in TERRITORIES:
            for kind in kinds:
                for level in levels:
                    number += 1
                    key, subject_type, subject_id, dimensions = series(indicator, territory, kind, level)
                    observations.append(_observation(number, indicator, territory, key, subject_type, subject_id, dimensions, level))
                    panes.append(_pane(number, key))
                    planted += [Planted("board_values", key, territory, DEPTHS[kind], level)]
                    planted += [Planted("board_panes", key, territory, DEPTHS[kind], level)]
                    planted += [Planted("board_series", key, territory, DEPTHS[kind], level)]
                    planted += [Planted("board_records", f"r{number}", territory, 3, level)]
    for i, month in enumerate((datetime(2025, 9, 30, 17, tzinfo=UTC), *MONTHS)):
        row = _observation(900 + i, PRICES, "VN", f"{PRICES}||VN|||actual", "", "", [], 0)
        observations.append(
            [
                *row[:15],
                "percent_of_base",
                "official",
                Decimal("100.1") + i,
                month,
                month + timedelta(days=31),
                month + timedelta(days=31),
                *row[21:22],
                f"cpi{i}",
                *row[23:],
            ]
        )
        planted.append(Planted("board_records", f"cpi{i}", "VN", 3, 0))
    for i, arrived in enumerate((datetime(2026, 8, 20, tzinfo=UTC), datetime(2026, 10, 10, tzinfo=UTC))):
        row = _observation(950 + i, CRIME, "VN", f"{CRIME}||VN|||actual", "", "", [], 0)
        times = [MONTHS[i], MONTHS[i + 1], MONTHS[i + 1], arrived]
        observations.append([*row[:15], "case", "official", Decimal(90 + i), *times, f"crime{i}", "MPS", "intake"])
        planted.append(Planted("board_records", f"crime{i}", "VN", 3, 0))
    totals = (f"{code}||VN|||actual" for code in (PRICES, CRIME))
    planted += [Planted("board_values", key, "VN", 0, 0) for key in totals]
    client.insert("observations", observations, column_names=_OBSERVATION)
    client.insert("panes", panes, column_names=_PANE)
    client.insert("aggregates", [[*row[:5], Decimal(7), NOW] for row in panes], column_names=[*_PANE[:5], "latest", "latest_time"])
    return [*planted, *_results(client), *_alerts(client)]


def _observation(
    number: int, indicator: str, territory: str, key: str, subject_type: str, subject_id: str, dimensions: Any, level: int
) -> list[Any]:
    component = "occupied" if indicator == ICU else ""
    return [
        "obs.test",
        0,
        number,
        NOW,
        key,
        indicator,
        component,
        territory,
        subject_type,
        subject_id,
        dimensions,
        "actual",
        "month",
        level,
        2026,
        "VND",
        "official",
        Decimal(number),
        MONTH,
        NOW,
        NOW,
        NOW,
        f"r{number}",
        "MOF",
        "tabmis",
    ]


_OBSERVATION: Final = [
    "topic",
    "partition",
    "offset",
    "appended",
    "series",
    "indicator",
    "component",
    "territory",
    "subject_type",
    "subject_id",
    "dimensions",
    "figure",
    "period_type",
    "access_level",
    "budget_year",
    "measure_unit",
    "status",
    "value",
    "period_start",
    "period_end",
    "event_time",
    "ingested_at",
    "source_record_id",
    "provider",
    "source_system",
]
_PANE: Final = ["topic", "partition", "offset", "appended", "series", "kind", "pane", "budget_year", "count", "sum", "last_time"]


def _pane(number: int, key: str) -> list[Any]:
    return ["panes.test", 0, number, NOW, key, "month", PANE, 2026, 1, Decimal(number) * 10**9, NOW]


_DERIVED: Final = [
    "topic",
    "partition",
    "offset",
    "appended",
    "result",
    "formula",
    "kind",
    "indicator",
    "territory",
    "subject_type",
    "subject_id",
    "measure_unit",
    "period_type",
    "period_start",
    "period_end",
    "budget_year",
    "deleted",
    "status",
    "value",
    "numerator",
    "denominator",
    "event_time",
    "operands",
    "through",
]


def _results(client: Client) -> list[Planted]:
    """Disbursement of the provinces over three months, one late; a hospital's ICU rate, made of restricted records."""
    rows: list[list[Any]] = []
    planted: list[Planted] = []
    rates = {"01": (55, 63, 75), "31": (50, 58, 70), "25": (30, 36, 42), "79": (40, 50, None), "VN": (52, 60, 71)}
    for territory, values in rates.items():
        formula = "F02.country" if territory == "VN" else "F02.province"
        for i, value in enumerate(values):
            if value is not None:
                rows.append(_result(len(rows), formula, territory, "", Decimal(value), i))
        for view in ("board_results", "board_known_results"):
            planted.append(Planted(view, f"{formula}|{territory}|||2026", territory, 0, 0))
    for territory in ("01", "31"):
        rows.append(_result(len(rows), "F36.hospital", territory, f"BV-{territory}-0", Decimal(91), 2))
        for view in ("board_results", "board_known_results"):
            planted.append(Planted(view, f"F36.hospital|{territory}|BV-{territory}-0||2026", territory, 2, 5))
    for base, level in ((TAX, 0), (ICU, 5)):
        for dimensions, depth in (("", 0), ("tax_type=vat", 1)):
            row = _result(len(rows), f"SET.{base}", "31", "", Decimal(7), 2)
            key = f"SET.{base}|31||{dimensions}|2026"
            rows.append([*row[:4], key, row[5], "sum", base, *row[8:]])
            planted += [Planted(view, key, "31", depth, level) for view in ("board_results", "board_known_results")]
    client.insert("derived", rows, column_names=_DERIVED)
    return planted


def _result(number: int, formula: str, territory: str, subject: str, value: Decimal, month: int) -> list[Any]:
    start = MONTHS[month]
    indicator = "guide-7146/F36" if formula.startswith("F36") else "guide-7146/F02"
    operands = [
        {"role": "disbursed", "series": "", "topic": "obs.finance_budget", "partition": 0, "generation": 0, "through": 41, "value": value}
    ]
    appended = NOW - timedelta(days=30 * (2 - month))
    kind = "hospital" if subject else ""
    return [
        "derived.test",
        0,
        number,
        appended,
        f"{formula}|{territory}|{subject}||2026",
        formula,
        "ratio",
        indicator,
        territory,
        kind,
        subject,
        "percent",
        "month",
        start,
        start + timedelta(days=31),
        2026,
        False,
        "official",
        value,
        value * 10**9,
        Decimal(100) * 10**9,
        start + timedelta(days=29),
        operands,
        number,
    ]


_ALERT: Final = [
    "topic",
    "partition",
    "offset",
    "appended",
    "event_id",
    "alert_id",
    "sequence",
    "transition",
    "condition",
    "attention",
    "title_vi",
    "text_vi",
    "title_en",
    "recorded_at",
    "opened_at",
    "rule",
    "series",
    "indicator",
    "territory",
    "agency",
    "measure_unit",
    "severity",
    "value",
    "limit",
    "gap",
    "event_time",
]


def _alerts(client: Client) -> list[Planted]:
    events: list[list[Any]] = []
    planted: list[Planted] = []
    made = (
        ("a25", "25", 4, "GN-DTC-CHAM-KE-HOACH", "guide-7146/F02", 0),
        ("a31", "31", 2, "GN-DTC-CHAM-KE-HOACH", "guide-7146/F02", 0),
        ("icu", "01", 4, "YT-ICU-CONG-SUAT", "guide-7146/F36", 5),
    )
    for number, (alert_id, territory, severity, rule, indicator, level) in enumerate(made):
        title = f"Cảnh báo {alert_id} <b>thử</b>"
        row = [
            "alerts.events",
            0,
            number,
            NOW,
            f"e{number}",
            alert_id,
            1,
            "opened",
            "active",
            "unacknowledged",
            title,
            "Văn bản",
            f"Alert {alert_id}",
            NOW - timedelta(hours=2),
            NOW - timedelta(hours=2),
            rule,
            f"{rule}|{territory}",
            indicator,
            territory,
            f"PPC-{territory}",
            "percent",
            severity,
            Decimal("42"),
            Decimal("74.5"),
            Decimal("32.5"),
            NOW - timedelta(days=1),
        ]
        events.append(row)
        planted += [Planted(view, alert_id, territory, 0, level) for view in ("board_alerts", "board_alert_events", "board_told")]
    client.insert("alert_events", events, column_names=_ALERT)
    client.insert("alert_current", events, column_names=_ALERT)
    told = [
        ["notify.ledger", 0, n, NOW, "ledger", f"n{n}", row[4], row[5], "handed_over", "email", f"chair_province@{row[18]}", NOW, NOW]
        for n, row in enumerate(events)
    ]
    columns = [
        "topic",
        "partition",
        "offset",
        "appended",
        "part",
        "notification_key",
        "event_id",
        "alert_id",
        "state",
        "channel",
        "recipient",
        "requested_at",
        "changed_at",
    ]
    client.insert("notifications", told, column_names=columns)
    letter = ["dead.producers", 0, 1, NOW, "d1", "producers.sensors", "sentinel", "value", "sensors", "BANG-1.csv:2", NOW]
    columns = ["topic", "partition", "offset", "appended", "dead_letter_id", "stage", "reason", "field", "source", "place", "first_seen"]
    client.insert("dead_letters", [letter, [*letter[:2], 2, *letter[3:]]], column_names=columns)
    return planted
