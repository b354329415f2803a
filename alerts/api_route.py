"""Acts of other systems at the door: `POST /api/v1/alerts/<id>/acts`, with a token that says for whom; each act is in the audit.

Header `Authorization: Bearer <token>` (NHIP_API_TOKENS, one for each recipient «office@place»), `Idempotency-Key`: the same key of the same
token is the same act, which counts once. Body: `act`, `actor` (who did it, a name), `note`; `until` (epoch ms) for shelve; `inquiry`,
`authority`, `document_number`, `outcome` for the acts on a request. 202: written, with the act's id; 400, 401, 404, 409 (refused as the
alert stands), 503.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4, uuid5

import structlog
from pydantic import SecretStr

from alerts.acting import refusal
from alerts.action import Action, action_of
from alerts.alert import Alert
from alerts.condition import ConditionError
from alerts.desk import DeskError
from alerts.door import Answer, Asked, said
from alerts.ids import NAMESPACE
from alerts.links import SecretError
from alerts.restore import RestoreError
from alerts.writer import WriteError

PREFIX = "/api/v1/"
LONGEST_NOTE = 8000
FIELDS = ("act", "actor", "note", "until", "inquiry", "authority", "document_number", "outcome")
_PATH = re.compile(r"/api/v1/alerts/([0-9a-f-]{8,36})/acts")
_SHORTEST_TOKEN = 16

log = structlog.get_logger(__name__)


class ApiError(ValueError):
    """A request that cannot be meant; the message says what to mend."""


class ApiRoute:
    """`tokens`: recipient → token. `find` gives the alert whose id begins so or raises DeskError; `record` writes an act and raises
    WriteError where it cannot; `clock`: epoch ms. Raises SecretError."""

    def __init__(
        self, tokens: Mapping[str, SecretStr], find: Callable[[str], Alert], record: Callable[[Action], None], clock: Callable[[], int],
    ) -> None:  # fmt: skip
        if any(len(token.get_secret_value()) < _SHORTEST_TOKEN for token in tokens.values()):
            raise SecretError(f"NHIP_API_TOKENS: each token at least {_SHORTEST_TOKEN} letters, e.g. from `openssl rand -hex 32`")
        self._offices = {_digest(token.get_secret_value()): office for office, token in tokens.items()}
        self._find, self._record, self._clock = find, record, clock

    def __call__(self, asked: Asked) -> Answer:
        office = self._office(asked.headers.get("authorization", ""))
        if not office:
            return said(401, error="thiếu hoặc sai mã truy cập | a valid bearer token is required")
        path = _PATH.fullmatch(asked.path)
        if path is None or asked.method != "POST":
            return said(404, error="không có địa chỉ này | POST /api/v1/alerts/<id>/acts")
        try:
            return self._acted(path.group(1), office, asked)
        except (ApiError, ConditionError) as error:
            return said(400, error=str(error))
        except DeskError as error:
            return said(404, error=str(error))
        except (WriteError, RestoreError) as error:
            log.error("an act of another system could not be written", error=str(error))
            return said(503, error="chưa ghi được, hãy thử lại | could not be written: try again")

    def _acted(self, beginning: str, office: str, asked: Asked) -> Answer:
        body, now = _body(asked.body), self._clock()
        alert = self._find(beginning)
        key, issues = asked.headers.get("idempotency-key", ""), body["act"] == "issue"
        action_id = str(uuid5(NAMESPACE, f"api|{office}|{key}|{alert.alert_id}") if key else uuid4())
        act = action_of({
            **body, "action": body.pop("act"), "action_id": action_id, "alert_id": alert.alert_id, "office": office,
            "issuing_office": office if issues else "", "acted_at": now, "via": "api",
        })  # fmt: skip
        refused = refusal(alert, act)
        if refused and act.action_id != alert.cause:
            return said(409, error=refused)
        self._record(act)
        return said(202, action_id=act.action_id, alert_id=act.alert_id)

    def _office(self, header: str) -> str:
        """Whom the token stands for. Digests are compared, in constant time, with all there are."""
        given = _digest(header.removeprefix("Bearer ").strip())
        return next((office for known, office in self._offices.items() if hmac.compare_digest(known, given)), "")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _body(body: bytes) -> dict[str, Any]:
    """The fields of an act. Raises ApiError."""
    try:
        content = json.loads(body)
    except ValueError as error:
        raise ApiError("nội dung không phải JSON | the body is not JSON") from error
    if not isinstance(content, dict) or not isinstance(content.get("act"), str) or not isinstance(content.get("actor"), str):
        raise ApiError("cần act và actor | act and actor are required")
    unknown = sorted(content.keys() - set(FIELDS))
    if unknown:
        raise ApiError(f"không có trường | no field {', '.join(unknown)[:100]}; {', '.join(FIELDS)}")
    if len(str(content.get("note", ""))) > LONGEST_NOTE:
        raise ApiError(f"note: dài quá {LONGEST_NOTE} ký tự | longer than {LONGEST_NOTE} letters")
    return {"note": "", **content}
