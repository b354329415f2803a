"""SMPP against a centre on loopback: accepted, refused, throttled, silent, away; receipts and people's answers on the same line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pydantic import SecretStr

from alerts.channels.smpp import Smpp
from alerts.receipts import Folded, Receipt
from tests.alerts.samples import message
from tests.alerts.smsc import BAD_NUMBER, BAD_PASSWORD, OK, THROTTLED, Centre, centre
from tests.alerts.test_channels import free_port
from tests.alerts.test_providers import brief

pytestmark = pytest.mark.loopback
PASSWORD = SecretStr("bimat-1")
TOLD = message("smpp", address="84900000001")


@contextmanager
def smpp(port: int, timeout: float = 10.0) -> Iterator[Smpp]:
    channel = Smpp(("127.0.0.1", port), ("nhip", PASSWORD), "UBNDHP", timeout=timeout)
    yield channel
    channel.close()


def test_accepted_with_the_centres_id_and_the_plain_text() -> None:
    with centre() as made, smpp(made.port) as channel:
        outcome = channel.send(TOLD)
    assert (outcome.accepted, outcome.provider_reference) == (True, "id-1")
    (body,) = made.submitted
    assert b"UBNDHP\0" in body
    assert b"84900000001\0" in body
    assert b"Tram Ha Noi: 10,62 m, tren bao dong II Ma " in body


def test_the_centres_refusals() -> None:
    with centre(Centre(status=[BAD_NUMBER, THROTTLED, 0x45, OK])) as made, smpp(made.port) as channel:
        seen = [brief(channel.send(TOLD)) for _ in range(4)]
    assert seen == [
        (False, "smpp_number", False, True), (False, "smpp_quota", True, True), (False, "smpp_rsubmitfail", False, True),
        (True, "", False, True),
    ]  # fmt: skip


def test_silent_is_uncertain_away_is_not() -> None:
    with centre(Centre(status=[None])) as made, smpp(made.port, timeout=1.0) as channel:
        assert brief(channel.send(TOLD)) == (False, "smpp_silent", True, False)
    with smpp(free_port(), timeout=0.5) as channel:
        assert brief(channel.send(TOLD)) == (False, "smpp_unbound", True, True)


def test_a_refused_session_says_what_to_check_and_sends_nothing_later() -> None:
    with centre(Centre(bind_status=BAD_PASSWORD)) as made, smpp(made.port, timeout=1.0) as channel:
        outcome = channel.send(TOLD)
        assert brief(outcome) == (False, "smpp_auth", True, True)
        assert "ESME_RINVPASWD" in outcome.error
        assert PASSWORD.get_secret_value() not in repr(outcome)
        made.bind_status = OK
        again = channel.send(message("smpp", address="84900000002", title="Sau"))
        for _ in range(5):  # until the session is bound again
            again = again if again.accepted else channel.send(message("smpp", address="84900000002", title="Sau"))
    assert again.accepted
    assert [b"84900000001" in body for body in made.submitted] == [False] * len(made.submitted)
    assert len(made.submitted) == 1


def test_receipts_and_answers_come_on_the_same_line() -> None:
    got: list[Receipt] = []
    said: list[tuple[str, str]] = []
    results: list[Folded] = ["later", "folded"]

    def fold(receipt: Receipt) -> Folded:
        got.append(receipt)
        return results.pop(0) if results else "folded"

    def take(message_id: str, phone: str, text: str) -> str:
        said.append((phone, text))
        if text == "alo":
            raise ValueError("how to write an answer")
        return "ok"

    with centre() as made, smpp(made.port) as channel:
        channel.listen(fold, take)
        assert channel.send(TOLD).accepted
        receipt = b"id:%s sub:001 dlvrd:001 submit date:2610011200 done date:2610011201 stat:%s err:000 text:Tram"
        made.deliver(receipt % (b"id-1", b"ENROUTE"), receipt=True)
        made.deliver(receipt % (b"id-1", b"DELIVRD"), receipt=True)
        made.deliver(receipt % (b"id-77", b"UNDELIV"), receipt=True)  # of before a restart
        made.deliver(b"TN 1a2b3c4d")
        made.deliver(b"alo")
    assert [(r.notification_key, r.provider_reference, r.delivered, r.error_class) for r in got] == [
        ("", "id-1", True, ""), ("", "id-1", True, ""), ("", "id-77", False, "smpp_undeliv"),
    ]  # fmt: skip
    assert said == [("84900000001", "TN 1a2b3c4d"), ("84900000001", "alo")]


def test_an_office_without_a_number_is_refused_with_the_reason() -> None:
    with smpp(1) as channel:
        assert brief(channel.send(message("smpp", address=""))) == (False, "sms_no_number", False, True)
