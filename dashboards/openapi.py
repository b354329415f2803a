"""The OpenAPI 3.1 document of the board: made from the same table of pages that the routes are made from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

from pydantic import BaseModel

from dashboards.report import DOCUMENTS

FORMATS = ("html", "json", "csv", "xlsx", "sdmx")
_MEDIA = {
    "text/html": "html",
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.sdmx.data+csv": "sdmx",
}
_TABLE = {
    "type": "object",
    "required": ["name", "columns", "rows"],
    "properties": {
        "name": {"type": "string"},
        "columns": {"type": "object", "additionalProperties": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "object"}},
    },
}
_PROBLEM = {"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}, "detail": {"type": "string"}}}
_SAID = {
    "303": "chưa đăng nhập: tới trang đăng nhập / not signed in",
    "400": "tham số sai / wrong parameter",
    "401": "chưa đăng nhập / not signed in",
    "403": "không có quyền / not allowed",
    "404": "không có trong phạm vi / not within the scope",
    "429": "quá nhiều yêu cầu / too many requests",
    "503": "kho số liệu hoặc hệ thống ghi nhận không trả lời / a part does not answer",
}


class Described(Protocol):
    """What the document needs of a page."""

    @property
    def path(self) -> str:
        """Where it is, in Starlette's writing."""

    @property
    def summary(self) -> str:
        """What it shows."""

    @property
    def query(self) -> type[BaseModel]:
        """Its parameters."""

    @property
    def documents(self) -> tuple[str, ...]:
        """Forms of documents it makes besides."""


class Sent(Protocol):
    """What the document needs of a form."""

    @property
    def path(self) -> str:
        """Where it is sent, in Starlette's writing."""

    @property
    def summary(self) -> str:
        """What it writes."""

    @property
    def fields(self) -> type[BaseModel]:
        """Its fields beside the token."""


def document(pages: Iterable[Described], forms: Iterable[Sent]) -> dict[str, Any]:
    """The document; `path` in Starlette's writing."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nhịp – bảng chỉ đạo, điều hành / the steering board", "version": "1"},
        "components": {
            "schemas": {"Table": _TABLE, "Problem": _PROBLEM},
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "nhip_session"}},
        },
        "security": [{"session": []}],
        "paths": {re.sub(r":\w+", "", page.path): {"get": _operation(page)} for page in pages}
        | {form.path: {"post": _written(form)} for form in forms}
        | _OTHERS,
    }


def _inside(path: str) -> list[dict[str, Any]]:
    """The parameters within a path."""
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"{(\w+)", path)]


def _operation(page: Described) -> dict[str, Any]:
    parts = page.query.model_json_schema()["properties"]
    asked = [{"name": name, "in": "query", "description": part.pop("description", ""), "schema": part} for name, part in parts.items()]
    form = {
        "name": "format",
        "in": "query",
        "description": "dạng trả lời / form",
        "schema": {"type": "string", "enum": [*FORMATS, *page.documents]},
    }
    language = {"name": "lang", "in": "query", "description": "ngôn ngữ / language", "schema": {"type": "string", "enum": ["vi", "en"]}}
    return {"summary": page.summary, "parameters": [*_inside(page.path), *asked, form, language], "responses": _responses(page.documents)}


def _responses(documents: Iterable[str] = ()) -> dict[str, Any]:
    table = {"schema": {"$ref": "#/components/schemas/Table"}}
    content = {media: table if form == "json" else {"schema": {"type": "string"}} for media, form in _MEDIA.items()}
    content |= {DOCUMENTS[form]: {"schema": {"type": "string", "format": "binary"}} for form in documents}
    problem = {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
        "text/html": {"schema": {"type": "string"}},
    }
    said = {code: {"description": text, "content": problem} for code, text in _SAID.items() if code != "303"}
    return {
        "200": {"description": "nội dung trang / what the page shows", "content": content},
        "303": {"description": _SAID["303"]},
        **said,
    }


def _written(form: Sent) -> dict[str, Any]:
    """What a form sends and what comes of it."""
    fields = form.fields.model_json_schema()
    parts = {"token": {"type": "string"}, **fields["properties"]}
    schema = {"type": "object", "required": ["token", *fields.get("required", ())], "properties": parts}
    return {
        "summary": form.summary,
        "parameters": _inside(form.path),
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}},
        "responses": {
            "303": {"description": "đã ghi / written"},
            **{c: {"description": _SAID[c]} for c in ("400", "401", "403", "404", "429", "503")},
            "413": {"description": "nội dung quá dài / body too long"},
        },
    }


_OTHERS: dict[str, Any] = {
    "/events": {
        "get": {
            "summary": "Thay đổi trực tiếp, server-sent events / live changes",
            "responses": {
                "200": {
                    "description": "sự kiện change: JSON / events «change»",
                    "content": {"text/event-stream": {"schema": {"type": "string"}}},
                },
                **{c: {"description": _SAID[c]} for c in ("401", "429")},
            },
        }
    },
}
