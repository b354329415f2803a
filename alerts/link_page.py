"""The pages behind a signed link, and what a form on them means. Pure: a request in, a page and perhaps an act out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qs

from alerts.action import Action
from alerts.links import ACTS, Claim

LONGEST_NOTE = 4000
DONE_VI = {"acknowledge": "Đã ghi nhận tiếp nhận cảnh báo.", "explain": "Đã ghi nhận nội dung giải trình."}
HEADERS: Mapping[str, str] = {
    "content-type": "text/html; charset=utf-8", "cache-control": "no-store", "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `status`: of HTTP."""

    status: int
    html: str


class FormError(ValueError):
    """The form says nothing that can be done; the message is for the person, Vietnamese first."""


def asking(claim: Claim) -> Page:
    """The two things that can be done. Opening the page has done nothing."""
    return _page(200, f"Cảnh báo {claim.alert_id[:8]}", (
        f"<p>Người nhận: {escape(claim.recipient)}</p>"
        '<form method="post"><button name="act" value="acknowledge">Tiếp nhận / acknowledge</button></form>'
        '<form method="post"><p><textarea name="note" rows="8" cols="60" required '
        f'maxlength="{LONGEST_NOTE}" aria-label="Nội dung giải trình"></textarea></p>'
        '<button name="act" value="explain">Gửi giải trình / explain</button></form>'
    ))  # fmt: skip


def done(act: Action) -> Page:
    """What was written."""
    return _page(200, "Đã ghi nhận / recorded", f"<p>{escape(DONE_VI[act.action])}</p><p>Mã cảnh báo: {escape(act.alert_id[:8])}</p>")


def refused(status: int, why: str) -> Page:
    """Why nothing was done."""
    return _page(status, "Không thực hiện được / not done", f"<p>{escape(why)}</p>")


def act_of(claim: Claim, form: bytes, now: int) -> Action:
    """The act of a form under a link. Raises FormError."""
    try:
        fields = parse_qs(form.decode("utf-8"), max_num_fields=4)
    except ValueError as error:
        raise FormError("Không đọc được biểu mẫu, hãy mở lại đường dẫn | the form cannot be read: open the link again") from error
    what, note = fields.get("act", [""])[0], fields.get("note", [""])[0].strip()
    if what not in ACTS:
        raise FormError("Chọn tiếp nhận hoặc giải trình | choose to acknowledge or to explain")
    if what == "explain" and not note:
        raise FormError("Thiếu nội dung giải trình | an explanation says something")
    if len(note) > LONGEST_NOTE:
        raise FormError(f"Nội dung dài quá {LONGEST_NOTE} ký tự | longer than {LONGEST_NOTE} letters")
    return Action(
        action_id=claim.action_id(what), alert_id=claim.alert_id, action=what, actor=claim.recipient, office="", note=note, until=0,
        acted_at=now, via="link",
    )  # fmt: skip


def _page(status: int, title: str, body: str) -> Page:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return Page(status, f'<!doctype html><html lang="vi"><head>{head}</head><body><h1>{escape(title)}</h1>{body}</body></html>')
