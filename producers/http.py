"""HttpFolder: files of a provider's server, listed by an index, as the same transport as a local folder.

`GET <base>/index.json` → {"files": [{"name", "sha256"}]}; each new or changed file is fetched from `<base>/<name>` and its digest
compared. Every request has a deadline and a size limit; a redirect is not followed (the configured server is the only one trusted).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import httpx

from producers.contract import Json, SourceUnavailable
from producers.documents import MAX_BATCH_BYTES, MAX_BATCH_DOCUMENTS, MAX_DOCUMENT_BYTES, Document, Listing
from producers.fields import list_of, loads, mapping_of, text_of
from producers.files import KEPT_OF_TOO_LARGE, document_of
from producers.reject import Refused

TIMEOUT = httpx.Timeout(connect=5, read=20, write=20, pool=5)
MAX_INDEX_BYTES = 4 << 20
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")


class HttpFolder:
    """Files under one address. `client` may be given (tests, certificates of an installation)."""

    def __init__(self, base: str, client: httpx.Client | None = None) -> None:
        self._base = base.rstrip("/")
        self._client = client or httpx.Client(timeout=TIMEOUT)

    def changed(self, marks: Mapping[str, Json]) -> Listing:
        """Files whose digest in the index differs from their mark. Raises SourceUnavailable."""
        index = self._index()
        documents: list[Document] = []
        total = 0
        for name in sorted(index):
            mark = marks.get(name)
            if isinstance(mark, list) and len(mark) > 1 and mark[1] == index[name]:
                continue
            if total >= MAX_BATCH_BYTES or len(documents) >= MAX_BATCH_DOCUMENTS:
                return Listing(documents, frozenset(index), more=True)
            documents.append(self._document(name, index[name], mark))
            total += len(documents[-1].data)
        return Listing(documents, frozenset(index), more=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _index(self) -> dict[str, str]:
        data = self._get("index.json", MAX_INDEX_BYTES)
        try:
            entries = [mapping_of(e, "files") for e in list_of(mapping_of(loads(data), "index").get("files"), "files")]
            return {name: text_of(e, "sha256").lower() for e in entries if _NAME.fullmatch(name := text_of(e, "name"))}
        except Refused as e:
            raise SourceUnavailable(f"{self._base}/index.json is no index of files ({e.detail}); ask the provider") from e

    def _document(self, name: str, digest: str, mark: Json) -> Document:
        data = self._get(name, MAX_DOCUMENT_BYTES)
        if len(data) > MAX_DOCUMENT_BYTES:
            refused = Refused("too_large", "", f"a file of at most {MAX_DOCUMENT_BYTES >> 20} MiB is expected; split it")
            return Document(name, data[:KEPT_OF_TOO_LARGE], [0, digest], refused=refused)
        if hashlib.sha256(data).hexdigest() != digest:
            # replaced between index and file, or cut off: the next round sees a matching pair
            raise SourceUnavailable(f"{self._base}/{name} differs from the digest of its index; it is fetched again")
        document = document_of(name, data, (len(data), 0), mark)
        keep = document.mark if isinstance(document.mark, list) else []
        return Document(name, data, [len(data), digest, *keep[2:]], document.from_line)

    def _get(self, name: str, limit: int) -> bytes:
        """Up to `limit` + 1 bytes of a file. Raises SourceUnavailable."""
        url = f"{self._base}/{name}"
        try:
            with self._client.stream("GET", url) as response:
                if response.status_code != httpx.codes.OK:
                    raise SourceUnavailable(f"{url} answers {response.status_code}; check the address and the right to read it")
                data = bytearray()
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > limit:
                        break
                return bytes(data)
        except httpx.HTTPError as e:
            raise SourceUnavailable(f"{url} cannot be read ({type(e).__name__}); tried again later") from e
