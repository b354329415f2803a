"""HTTP content encodings of request and response bodies, as streams: lz4 and zstd frames, gzip, deflate."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

import lz4.frame  # type: ignore[import-untyped]
import zstandard

from ops.clickhouse.errors import ServerError, not_served

_SERVED: Final = ("lz4", "zstd", "gzip", "deflate")


class Encoder(Protocol):
    """Turns result bytes into wire bytes. `feed` may hold bytes back; `end` gives the rest and closes the stream."""

    def feed(self, data: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class Plain:
    """No encoding."""

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""


class Lz4Frame:
    """One LZ4 frame."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begun = False

    def feed(self, data: bytes) -> bytes:
        return self._begin() + bytes(self._frame.compress(data))

    def end(self) -> bytes:
        return self._begin() + bytes(self._frame.flush())

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return bytes(self._frame.begin())


class Flushed:
    """An encoder over an object with `compress` and `flush`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def feed(self, data: bytes) -> bytes:
        return bytes(self._stream.compress(data))

    def end(self) -> bytes:
        return bytes(self._stream.flush())


def encoder(encoding: str) -> Encoder:
    """The encoder of a name that `choose` gave; the empty name is no encoding."""
    match encoding:
        case "lz4":
            return Lz4Frame()
        case "zstd":
            return Flushed(zstandard.ZstdCompressor(level=1).compressobj())
        case "gzip":
            return Flushed(zlib.compressobj(3, wbits=31))
        case "deflate":
            return Flushed(zlib.compressobj(3))
        case _:
            return Plain()


def choose(accept: str) -> str:
    """The first served encoding among those in an Accept-Encoding header, in the client's order; empty if none is served."""
    for part in accept.split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip().lower() in _SERVED and weight.replace(" ", "") not in ("q=0", "q=0.0"):
            return name.strip().lower()
    return ""


def decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The plain bytes of a body in `encoding`. Raises code 48 for an encoding not served, code 271 for a damaged or cut stream."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        yield from chunks
        return
    if name not in _SERVED:
        raise not_served(f"the Content-Encoding {encoding!r}", f"send the body as one of: {', '.join(_SERVED)}, or without encoding.")
    yield from _frames(chunks, name)


def _frames(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    stream = _decompressor(name)
    for chunk in chunks:
        rest = chunk
        while rest:
            # A body may be several frames one after the other.
            if stream.eof:
                stream = _decompressor(name)
            try:
                plain = stream.decompress(rest)
            except (RuntimeError, zstandard.ZstdError, zlib.error, EOFError) as damage:
                raise _damaged(f"The body is not {name}: {damage}") from None
            if plain:
                yield plain
            rest = (stream.unused_data or b"") if stream.eof else b""
    if not stream.eof:
        raise _damaged(f"The {name} body ends before its frame does: it was cut on the way; send it again.")


def _damaged(message: str) -> ServerError:
    return ServerError(271, "CANNOT_DECOMPRESS", message)


def _decompressor(name: str) -> Any:
    match name:
        case "lz4":
            return lz4.frame.LZ4FrameDecompressor()
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj()
        case "gzip":
            return zlib.decompressobj(wbits=31)
        case _:
            return zlib.decompressobj()
