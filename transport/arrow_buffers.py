"""Arrow arrays over buffers that exist already, without a copy: the Arrow C data interface through its PyCapsule protocol.

A text column of a chunk is a view into the joined messages (type `vz`, «binary view»: length and place of each value), a decimal column
two 64-bit limbs a value (`d:38,6`). Whoever takes an `ArrowArray` (polars does) borrows the buffers and says when it is done with them.
Layouts: Arrow columnar format, «Variable-size Binary View Layout»; Arrow C data interface, «Structure definitions».
"""

from __future__ import annotations

import ctypes
import itertools
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_NULLABLE: Final = 2
_INLINE: Final = 12
"""Values of so many bytes lie in the view itself."""
_32: Final = np.uint64(32)
_ONE: Final = np.uint64(1)


class _CSchema(ctypes.Structure):
    pass


class _CArray(ctypes.Structure):
    pass


_ReleaseSchema = ctypes.CFUNCTYPE(None, ctypes.POINTER(_CSchema))
_ReleaseArray = ctypes.CFUNCTYPE(None, ctypes.POINTER(_CArray))
_CSchema._fields_ = [
    ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_char_p), ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64), ("children", ctypes.c_void_p), ("dictionary", ctypes.c_void_p), ("release", _ReleaseSchema),
    ("private_data", ctypes.c_void_p),
]  # fmt: skip
_CArray._fields_ = [
    ("length", ctypes.c_int64), ("null_count", ctypes.c_int64), ("offset", ctypes.c_int64), ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64), ("buffers", ctypes.POINTER(ctypes.c_void_p)), ("children", ctypes.c_void_p),
    ("dictionary", ctypes.c_void_p), ("release", _ReleaseArray), ("private_data", ctypes.c_void_p),
]  # fmt: skip

_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype = ctypes.py_object
_capsule.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_lent: dict[int, tuple[Any, ...]] = {}
_numbers = itertools.count(1)


def _keep(schema: Any) -> None:
    """Schemas are constants of this module: nothing is freed."""
    schema.contents.release = _ReleaseSchema()


def _end(array: Any) -> None:
    """The borrower is done with an array: its buffers may go."""
    _lent.pop(array.contents.private_data, None)
    array.contents.release = _ReleaseArray()


_keep_schema, _give_back = _ReleaseSchema(_keep), _ReleaseArray(_end)


def _schema(format_: bytes) -> _CSchema:
    return _CSchema(format_, b"", None, _NULLABLE, 0, None, None, _keep_schema, None)


_SCHEMAS: Final = {name: _schema(name) for name in (b"vz", b"d:38,6")}


class ArrowArray:
    """One array for one borrower, by `__arrow_c_array__`. `buffers`: after the validity bits, as the layout of the format has them."""

    def __init__(self, format_: bytes, length: int, present: npt.NDArray[np.bool_] | None, buffers: list[npt.NDArray[Any]]) -> None:
        validity = None if present is None else np.packbits(present, bitorder="little")
        self._format, self._length, self._buffers = format_, length, [validity, *buffers]

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """Capsules of schema and array. The buffers live until the borrower releases the array."""
        places = (ctypes.c_void_p * len(self._buffers))(*[None if b is None else b.ctypes.data for b in self._buffers])
        number = next(_numbers)
        nulls = 0 if self._buffers[0] is None else -1
        pointer = ctypes.cast(places, ctypes.POINTER(ctypes.c_void_p))
        array = _CArray(self._length, nulls, 0, len(self._buffers), 0, pointer, None, None, _give_back, number)
        _lent[number] = (array, places, self._buffers)
        schema = _SCHEMAS[self._format]
        return _capsule(ctypes.addressof(schema), b"arrow_schema", None), _capsule(ctypes.addressof(array), b"arrow_array", None)


def lent() -> int:
    """Arrays that a borrower still holds."""
    return len(_lent)


def binary(data: bytes, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], present: npt.NDArray[np.bool_] | None) -> ArrowArray:
    """Values `data[starts[i]:starts[i] + lengths[i]]`; `data` goes on for at least 16 bytes after the last and is below 2 GiB."""
    words: npt.NDArray[np.uint64] = np.ndarray((len(data) - 8,), "<u8", buffer=data, strides=(1,))
    first = words[starts]
    views = np.empty((len(starts), 2), "<u8")
    views[:, 0] = lengths.astype(np.uint64) | (first << _32)
    views[:, 1] = starts.astype(np.uint64) << _32
    short = np.flatnonzero(lengths <= _INLINE)
    if short.size:
        size = lengths[short].astype(np.uint64)
        head = first[short] & _ones(np.minimum(size, np.uint64(4)))
        views[short, 0] = size | (head << _32)
        views[short, 1] = words[starts[short] + 4] & _ones(np.maximum(size, np.uint64(4)) - np.uint64(4))
    sizes = np.array([len(data)], np.int64)
    return ArrowArray(b"vz", len(starts), present, [views, np.frombuffer(data, np.uint8), sizes])


def _ones(count: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Words whose lowest `count` bytes (0 … 8) are ones."""
    bits = count << np.uint64(3)
    mask: npt.NDArray[np.uint64] = np.where(bits == 64, ~np.uint64(0), (_ONE << (bits & np.uint64(63))) - _ONE)
    return mask


def decimals(high: npt.NDArray[np.int64], low: npt.NDArray[np.uint64], present: npt.NDArray[np.bool_] | None) -> ArrowArray:
    """Decimals (38, 6) whose unscaled value is high · 2^64 + low; the caller keeps them below 10^38."""
    limbs = np.empty((len(high), 2), "<u8")
    limbs[:, 0] = low
    limbs[:, 1] = high.astype(np.uint64)
    return ArrowArray(b"d:38,6", len(high), present, [limbs])
