"""Pseudonyms: trader and tax codes leave an adapter only as HMAC-SHA256 under the site's secret.

The same code gives the same pseudonym on one site, so refusals of one trader group together; without the secret nothing leads back.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from pydantic import SecretStr

_CODE = rb"[^\"':+\s]"
_FIELDS = re.compile(
    rb'("trader"\s*:\s*"?)(' + _CODE + rb"+)"  # JSON declaration
    rb"|(NAD\+[A-Z]{2}\+)(" + _CODE + rb"+)"  # EDIFACT party
    rb"|(UNB\+[A-Z0-9]*:?\d*\+)(" + _CODE + rb"+)"  # EDIFACT sender of the interchange
)
_TAX_CODE = re.compile(rb"(?<![0-9A-Za-z.])\d{10}(-?\d{3})?(?![0-9A-Za-z.])")
"""Ten digits, or thirteen for a branch. Declarations have twelve and are no personal data."""


class Pseudonyms:
    """Pseudonyms under one secret."""

    def __init__(self, secret: SecretStr) -> None:
        self._key = secret.get_secret_value().encode()

    def of(self, code: bytes) -> bytes:
        """`hmac-` and 24 hex digits."""
        return b"hmac-" + hmac.new(self._key, code, hashlib.sha256).hexdigest()[:24].encode()

    def masked(self, original: bytes) -> bytes:
        """A declaration as received, whole or torn, with every trader's code replaced: what may go to the dead letters and reports."""
        return _TAX_CODE.sub(lambda m: self.of(m[0]), _FIELDS.sub(self._field, original))

    def _field(self, match: re.Match[bytes]) -> bytes:
        label, code = next((match[i], match[i + 1]) for i in (1, 3, 5) if match[i] is not None)
        return label + self.of(code)
