"""Identity of a reject: the same record refused again for the same reason at the same place is the same reject."""

from __future__ import annotations

import hashlib
import uuid

from producers.reject import Reject

NAMESPACE = uuid.UUID("6f0f4c9e-0e5d-5b58-9d0a-2f1c8e5a7b31")


def reject_id(reject: Reject) -> str:
    """uuid5 of source, place, reason, field and digest of the bytes."""
    digest = hashlib.sha256(reject.original).hexdigest()
    return str(uuid.uuid5(NAMESPACE, "|".join((reject.source, reject.place, reject.reason, reject.field, digest))))
