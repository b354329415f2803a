"""The OpenAPI document against the board that serves it: generated requests, right and wrong, get documented answers and no 5xx."""

from __future__ import annotations

from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from dashboards.main import serving
from dashboards.session import COOKIE
from tests.dashboards.conftest import DUTY, Memory, Seeded, made
from tests.dashboards.seeds import NOW_MS

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 2
"""Requests of an operation, right and wrong ones each."""


@pytest.mark.loopback
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_generated_requests_get_documented_answers(seeded: Seeded, mode: GenerationMode) -> None:
    asked: list[str] = []
    with serving(made(seeded.settings, Memory())) as server:
        home = f"http://127.0.0.1:{server.port}"
        cookie = {COOKIE: server.board.sessions.written(server.board.sessions.begin(DUTY, NOW_MS))}
        schema = schemathesis.openapi.from_dict(httpx.get(f"{home}/openapi.json", trust_env=False, timeout=30).json())
        operations: list[Any] = list(schema.exclude(path="/events").get_all_operations())
        for operation in [found.ok() for found in operations]:

            @hypothesis.settings(
                max_examples=EXAMPLES,
                phases=[Phase.generate],
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: Any) -> None:
                answer = case.call(base_url=home, cookies=cookie, allow_redirects=False, timeout=30)
                asked.append(f"{answer.status_code} {case.method} {case.path}")
                case.validate_response(answer, checks=CHECKS)

            ask()
    assert len({entry.partition(" ")[2] for entry in asked}) >= 15
    assert any(entry.startswith("200" if mode is GenerationMode.POSITIVE else "4") for entry in asked), asked
