"""The registry of expected series: which series a rule of kind absence waits to hear from."""

from __future__ import annotations

from indicators.rule import Rule
from indicators.rules.silence import Hours, hours_of
from indicators.series import Series
from indicators.spec import SeriesSpec
from indicators.subject import Subject
from indicators.territory import COUNTRY
from indicators.vocabulary import Vocabulary
from transport.partitioner import partition_of
from transport.topics import GROUPS


class ExpectedSeries:
    """What rules of kind absence expect, by partition of their group's inputs: worked out once a process, whatever its partitions."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._found: dict[str, dict[int, list[tuple[str, Series, Subject | None]]]] = {}

    def spec(self, rule: Rule) -> SeriesSpec | None:
        """What the rule's series are of; None: the catalogue does not know them."""
        return self._vocabulary.series_spec(rule.scope.indicator, rule.scope.component)

    def hours(self, rule: Rule) -> Hours:
        """In which hours silence counts."""
        return hours_of(rule, self._vocabulary.trading_calendar)

    def of(self, rule: Rule, partition: int) -> list[tuple[str, Series, Subject | None]]:
        """Series key, series and subject of what lies in a partition."""
        found = self._found.get(rule.id)
        if found is None:
            spec, found = self.spec(rule), {}
            assert spec is not None, "asked of known series only"
            for series, subject in expected_series(rule, self._vocabulary):
                key = series.key()
                found.setdefault(partition_of(key.encode(), GROUPS[spec.group]), []).append((key, series, subject))
            self._found[rule.id] = found
        return found.get(partition, [])


def expected_series(rule: Rule, vocabulary: Vocabulary) -> list[tuple[Series, Subject | None]]:
    """The series that a rule of kind absence expects: of the subjects in its scope (which measure its component, where their registry says
    what they measure), of the provinces, or of the country."""
    scope, found = rule.scope, list[tuple[Series, Subject | None]]()
    dimensions = tuple(sorted(rule.absence.dimensions.items())) if rule.absence is not None else ()
    places: list[tuple[str, str, str, Subject | None]] = []
    if rule.absence is not None and rule.absence.expected == "subjects":
        for subject in vocabulary.subjects(scope.subject_type):
            measures = subject.attributes.get("quantities", "").split()
            if subject.origin == "registry" and (not measures or scope.component in measures):
                places.append((subject.territory, subject.type, subject.id, subject))
    elif rule.absence is not None and rule.absence.expected == "country":
        places = [(COUNTRY, "", "", None)]
    else:
        places = [(unit.code, "", "", None) for unit in vocabulary.territories("province")]
    for territory, subject_type, subject_id, one in places:
        about = {"territory": territory, "subject_type": subject_type, "subject_id": subject_id, "budget_year": 0,
                 "dimensions": dict(dimensions)}  # fmt: skip
        if scope.holds(subject_type, about):
            found.append((Series(scope.indicator, scope.component, territory, subject_type, subject_id, dimensions, scope.figure), one))
    return found
