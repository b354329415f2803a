"""ClickHouse settings of questions that people wait for: those of `nhip query` and of the board."""

from __future__ import annotations

from typing import Final

AT_ONCE: Final[dict[str, int]] = {
    "compile_expressions": 0, "compile_aggregate_expressions": 0, "compile_sort_description": 0,
    "merge_tree_min_rows_for_concurrent_read": 20_000, "merge_tree_min_bytes_for_concurrent_read": 1 << 20,
}  # fmt: skip
"""No machine code is made of expressions. The fourth question of a kind would wait 100 ms for it (measured over 20,000,000 rows), and again
after every restart; what reads a few hundred thousand rows never gets that back. And those are read by two threads: by default all below
163,840 rows a thread, or 240 MiB, is read by one (`quality` over 200,000 states: 82 instead of 100 ms)."""
