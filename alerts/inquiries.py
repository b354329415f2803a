"""The requests of one alert, act by act: which request an act is about, what becomes of it, what people are written. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import cast
from uuid import uuid5

from alerts import inquiry as one
from alerts.action import Action
from alerts.alert import Alert
from alerts.ids import NAMESPACE
from alerts.inquiry import PLACE, Inquiry, InquiryError
from alerts.messages import TEXT_LIMIT, TITLE_LIMIT, Names, Text
from alerts.words import EXERCISE_EN, EXERCISE_VI
from indicators.calendar import WorkingCalendar
from indicators.inquiry import OUTCOMES_VI, TITLES_EN, TITLES_VI, UNDER_WAY, Kind, Outcome, within_of
from indicators.numbers_vi import time_vi
from indicators.rule import Rule


class Inquiries:
    """Folds acts on requests and writes their letters."""

    def __init__(self, names: Names, calendar: WorkingCalendar) -> None:
        self._names, self._calendar = names, calendar

    def after(self, alert: Alert, act: Action, rule: Rule | None) -> Inquiry:
        """The request an act is about, as the act leaves it. Raises InquiryError where the act cannot be done to it."""
        kind = cast("Kind", act.inquiry)
        if act.action == "issue":
            return self._issued(alert, act, kind, rule)
        found = under_way(alert, kind)
        if found is None:
            raise InquiryError("chưa có văn bản này đang chờ trả lời hoặc kết luận | no such request is under way")
        if act.action == "answer":
            return one.answer(found, act.note, act.acted_at)
        if act.action == "decide":
            return one.decide(found, cast("Outcome", act.outcome), act.acted_at)
        return one.send_back(found) if act.action == "send_back" else one.withdraw(found)

    def _issued(self, alert: Alert, act: Action, kind: Kind, rule: Rule | None) -> Inquiry:
        if under_way(alert, kind) is not None:
            raise InquiryError("văn bản cùng loại đang chờ trả lời hoặc kết luận | one of this kind is under way")
        within = within_of(rule)
        draft = one.draft(alert, kind, within, self._names, act.acted_at)
        if any(former.id == draft.id for former in alert.memory.inquiries):
            draft = replace(draft, id=str(uuid5(NAMESPACE, f"{draft.id}|{act.action_id}")))
        whole = one.issue(draft, act.authority, act.document_number, within, self._calendar, act.acted_at)
        return replace(whole, issued_by=issuing_office(act))

    def note(self, what: str, inquiry: Inquiry, note: str) -> str:
        """What the story says of a step: the request by name and number, and what is new about it."""
        named = f"{TITLES_VI[inquiry.kind]} số {inquiry.document_number}"
        news = {
            "issued": f"{inquiry.authority} ban hành, hạn trả lời {time_vi(inquiry.due_at)}",
            "decided": f"kết luận: {OUTCOMES_VI.get(cast('Outcome', inquiry.outcome), '')}", "urged": "quá hạn, chưa trả lời",
            "answered": "trả lời quá hạn" if inquiry.late else "",
        }.get(what, "")  # fmt: skip
        return "; ".join(part for part in (named, news, note) if part)

    def letter(self, what: str, inquiry: Inquiry, alert: Alert, note: str) -> Text:
        """What the people concerned read of a step: the request itself when it is issued, else the step."""
        mark, mark_en = (EXERCISE_VI, EXERCISE_EN) if alert.evidence.mode == "exercise" else ("", "")
        agency, named = self._names.agency_name(inquiry.to_agency), f"{TITLES_VI[inquiry.kind]} số {inquiry.document_number}"
        heads = {
            "issued": f"[{TITLES_VI[inquiry.kind]}] Số {inquiry.document_number}: {alert.title_vi}", "urged": f"[Đôn đốc] {named}: quá hạn",
            "answered": f"[Trả lời] {agency} trả lời {_within(named)}", "decided": f"[Kết luận] {named}", "sent_back": f"[Trả lại] {named}",
            "withdrawn": f"[Thu hồi] {named}",
        }  # fmt: skip
        title_en = f"{TITLES_EN[inquiry.kind]} {inquiry.document_number}: {what.replace('_', ' ')}"
        body = _document(inquiry) if what == "issued" else _step(what, inquiry, alert, agency, self.note(what, inquiry, note))
        return Text((mark + heads[what])[:TITLE_LIMIT], (mark + body)[:TEXT_LIMIT], (mark_en + title_en)[:TITLE_LIMIT])


def issuing_office(act: Action) -> str:
    """Which office issues: the one that the act names, or the one that acted, where it is one (`office@place`); empty: nobody knows."""
    return act.issuing_office or (act.office if PLACE in act.office else "")


def under_way(alert: Alert, kind: str) -> Inquiry | None:
    """The request of a kind that is issued and neither decided nor withdrawn."""
    return next((each for each in alert.memory.inquiries if each.kind == kind and each.state in UNDER_WAY), None)


def kept(alert: Alert, inquiry: Inquiry) -> tuple[Inquiry, ...]:
    """All requests of an alert with this one as it is now."""
    others = tuple(each for each in alert.memory.inquiries if each.id != inquiry.id)
    return (*others, inquiry)


def _document(inquiry: Inquiry) -> str:
    """The draft with its blanks filled in."""
    bare = inquiry.text_vi.replace("DỰ THẢO – ", "", 1).removeprefix(EXERCISE_VI)
    filled = bare.replace("Số: ……………", f"Số: {inquiry.document_number}", 1)
    return filled.replace("Thẩm quyền ký: ……………", f"Thẩm quyền ký: {inquiry.authority}\nHạn trả lời: {time_vi(inquiry.due_at)}", 1)


def _within(named: str) -> str:
    """The name of a document inside a sentence."""
    return named[:1].lower() + named[1:]


def _step(what: str, inquiry: Inquiry, alert: Alert, agency: str, note: str) -> str:
    said = f"Nội dung trả lời của {agency}: {inquiry.answer}" if inquiry.answer and what in ("answered", "decided") else ""
    due = f"Hạn trả lời: {time_vi(inquiry.due_at)}." if what in ("urged", "sent_back") else ""
    return "\n".join(line for line in (f"{note.rstrip('.')}.", said, due, f"Cảnh báo: {alert.title_vi} (mã {alert.alert_id[:8]}).") if line)
