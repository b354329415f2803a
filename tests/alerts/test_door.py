"""The door of the process on the real broker: what comes in there is in the topics when it is answered."""

from __future__ import annotations

import hashlib
import hmac
import json

import httpx
import pytest
from pydantic import SecretStr

from tests.alerts.broker import Bench, running, until
from tests.alerts.samples import RIVER
from tests.alerts.test_channels import free_port
from tests.alerts.test_kafka import Receiver, channels, live
from transport.settings import Settings

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


def test_a_receipt_and_an_act_of_another_system_come_in_at_the_door(bench: Bench, settings: Settings) -> None:
    """From the endpoint to the topics: the receipt is in the ledger when it is answered; the act is told, with its line in the audit."""
    secret, token = SecretStr("bí-mật-của-webhook"), SecretStr("ma-truy-cap-cua-van-phong")
    mine = settings.model_copy(update={
        "webhook_secret": secret, "receipts_of": frozenset({"webhook"}), "api_tokens": {"office_province@01": token},
        "link_port": free_port(),
    })  # fmt: skip
    address, receiver = f"http://127.0.0.1:{mine.link_port}", Receiver()
    with running(mine, channels(settings, receiver)), httpx.Client(trust_env=False, timeout=10) as client:
        bench.write(live([RIVER]))
        until(lambda: len(receiver.seen) == 2, 20, "two posts")
        key = sorted(receiver.seen)[0]
        until(lambda: bench.final().get(key, "").startswith("handed_over"), 10, "handed over")
        body = json.dumps({"key": key, "delivered": True}).encode()
        mac = hmac.new(secret.get_secret_value().encode(), body, hashlib.sha256).hexdigest()
        said = client.post(f"{address}/receipts/webhook", content=body, headers={"X-Nhip-Signature": f"sha256={mac}"})
        assert said.json() == {"result": "folded"}
        assert bench.final()[key] == "receipted:opened"
        act = {"act": "acknowledge", "actor": "Trần Thị Bình"}
        headers = {"Authorization": f"Bearer {token.get_secret_value()}", "Idempotency-Key": "k-1"}
        path = f"{address}/api/v1/alerts/{RIVER.alert_id}/acts"
        first, again = (client.post(path, json=act, headers=headers).json() for _ in range(2))
        assert first == again
        until(lambda: any(e["transition"] == "acknowledged" for e in bench.events()), 10, "acknowledged")
    assert [e["actor"] for e in bench.events()] == ["", "Trần Thị Bình (office_province@01)"]
    audit = [json.loads(m.value() or b"") for m in bench.messages("ops.audit")]
    assert {(line["did"], line["via"], line["with"]) for line in audit} == {("alerts.acknowledge", "api", first["action_id"])}
