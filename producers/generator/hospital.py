"""Intensive care, generated: daily counts of each hospital, one of which fills up over 85 % and 95 % and empties again.

Hospitals of the north send FHIR MeasureReports (one list a day, counts only), the others the daily return as CSV. Some reports are
corrected the next day under a higher version.
"""

from __future__ import annotations

import json
import math
from datetime import date, timedelta

from indicators.vocabulary import Vocabulary
from producers.generator.dice import dice
from producers.icu import COLUMNS, FREE, LOINC, OCCUPIED

MEASURE = "http://hl7.org/fhir/us/safr/Measure/BedCapacityMeasureExample"
LAST_NORTHERN_PROVINCE = "42"
DEFAULT_BEDS = "30"
WAVE_DAYS = 9.0
CORRECTED_SHARE = 0.06


class Hospitals:
    """The generator; `crowded` is the hospital that fills up around the day `peak`."""

    def __init__(self, vocabulary: Vocabulary, seed: int, peak: date) -> None:
        self._seed, self._peak = seed, peak
        hospitals = sorted(vocabulary.subjects("hospital"), key=lambda s: s.id)
        self._beds = {s.id: int(s.attributes.get("icu_beds", DEFAULT_BEDS)) for s in hospitals}
        province = {s.id: vocabulary.ancestor(s.territory, "province") or "" for s in hospitals}
        self._fhir = [s.id for s in hospitals if province[s.id] <= LAST_NORTHERN_PROVINCE]
        self._csv = [s.id for s in hospitals if province[s.id] > LAST_NORTHERN_PROVINCE]
        self.crowded = self._fhir[0] if self._fhir else ""

    def measure_reports(self, day: date) -> bytes:
        """The list of reports sent on the morning after `day`, then corrections of the day before it."""
        reports = [self._report(h, day, 1) for h in self._fhir]
        before = day - timedelta(1)
        reports += [self._report(h, before, 2) for h in self._fhir if self._corrected(h, before)]
        return json.dumps(reports, ensure_ascii=False).encode()

    def daily_return(self, day: date) -> bytes:
        """The CSV of the other hospitals."""
        lines = [",".join((*COLUMNS, "may_tho", "ghi_chu"))]
        for hospital in self._csv:
            occupied, beds = self.counts(hospital, day)
            lines.append(f"{hospital},{day.isoformat()},1,{beds},{occupied},{beds // 2},generated")
        return ("\n".join(lines) + "\n").encode()

    def counts(self, hospital: str, day: date) -> tuple[int, int]:
        """(beds occupied, staffed beds) of a day."""
        beds = self._beds[hospital]
        usual = dice(self._seed, "usual", hospital).uniform(0.5, 0.7) + 0.05 * math.sin(day.timetuple().tm_yday / 58)
        share = usual + dice(self._seed, "share", hospital, day).uniform(-0.05, 0.05)
        if hospital == self.crowded:
            wave = math.exp(-(((day - self._peak).days / (WAVE_DAYS / 2)) ** 2))
            share += (0.985 - share) * wave
        return min(beds, round(beds * share)), beds

    def _corrected(self, hospital: str, day: date) -> bool:
        return dice(self._seed, "corrected", hospital, day).random() < CORRECTED_SHARE

    def _report(self, hospital: str, day: date, version: int) -> dict[str, object]:
        occupied, beds = self.counts(hospital, day)
        occupied = max(0, occupied - (version - 1))
        counts = ((OCCUPIED, occupied), (FREE, beds - occupied))
        return {
            "resourceType": "MeasureReport", "meta": {"versionId": str(version), "tag": [{"system": "urn:nhip:data", "code": "generated"}]},
            "status": "complete", "type": "summary", "measure": MEASURE,
            "date": f"{(day + timedelta(version)).isoformat()}T07:{dice(self._seed, 'minute', hospital, day).randint(0, 50):02d}:00+07:00",
            "period": {"start": f"{day.isoformat()}T00:00:00+07:00", "end": f"{day.isoformat()}T23:59:59+07:00"},
            "reporter": {"identifier": {"value": hospital}},
            "group": [{"code": {"coding": [{"system": LOINC, "code": code}]}, "population": [{"count": n}]} for code, n in counts],
        }  # fmt: skip
