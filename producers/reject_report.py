"""The reject report: what a provider sent wrong, one CSV per provider and day, for the people who can put it right.

`<data_dir>/rejects/<provider>/<yyyy-mm-dd>.csv`, UTF-8 with a byte-order mark (spreadsheets), Vietnamese header: when, source, where,
which field, what was expected, how to put it right. It never holds the refused value: the reader has it in his own file, at the place
named.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from indicators.numbers_vi import time_vi
from producers.fields import local_date
from producers.reject import Reason, Reject
from producers.reject_id import reject_id

HEADER = ("Mã từ chối", "Thời điểm", "Nguồn", "Vị trí", "Trường", "Lý do", "Yêu cầu (chi tiết)", "Cách khắc phục")

WORDS: dict[Reason, tuple[str, str]] = {
    "decode": ("Không đọc được định dạng", "Kiểm tra phần mềm kết xuất, gửi lại bản ghi đúng định dạng đã thống nhất"),
    "schema_unknown": ("Phiên bản lược đồ chưa đăng ký", "Liên hệ đơn vị vận hành để đăng ký phiên bản"),
    "validation": ("Giá trị trường không hợp lệ", "Sửa trường nêu tên rồi gửi lại bản ghi"),
    "contract": ("Sai thoả thuận trao đổi dữ liệu", "Đối chiếu tài liệu trao đổi dữ liệu, sửa rồi gửi lại"),
    "unknown_indicator": ("Chỉ số không có trong danh mục", "Dùng mã chỉ số của danh mục hiện hành"),
    "unknown_territory": ("Mã địa bàn không có hiệu lực", "Dùng mã tỉnh, xã có hiệu lực từ 01/07/2025"),
    "unknown_agency": ("Mã cơ quan không có trong danh mục", "Dùng mã cơ quan hiện hành hoặc đề nghị bổ sung danh mục"),
    "unknown_subject": ("Đối tượng chưa đăng ký", "Đăng ký dự án, trạm hoặc bệnh viện vào danh mục rồi gửi lại"),
    "impossible_date": ("Ngày, giờ không hợp lý", "Sửa ngày, giờ theo lịch thực rồi gửi lại"),
    "wrong_scale": ("Sai số chữ số thập phân", "Gửi số đúng đơn vị tính, không quá số chữ số thập phân cho phép"),
    "out_of_range": ("Giá trị ngoài khoảng cho phép", "Kiểm tra đơn vị tính và giá trị tại nguồn"),
    "not_a_number": ("Không phải là số", "Gửi số với dấu chấm thập phân, không dùng NaN, vô cực, chữ"),
    "sentinel": ("Mã «không có số đo» của thiết bị", "Kiểm tra thiết bị, đường truyền của trạm"),
    "too_large": ("Vượt kích thước cho phép", "Tách nhỏ tệp hoặc bản tin rồi gửi lại"),
    "wrong_encoding": ("Sai bảng mã ký tự", "Lưu tệp bằng UTF-8 rồi gửi lại"),
    "truncated": ("Tệp hoặc bản tin bị cắt cụt", "Gửi lại toàn bộ tệp"),
    "changed_header": ("Dòng tiêu đề bị thay đổi", "Khôi phục các cột đã thống nhất hoặc báo trước khi đổi mẫu"),
    "sink_rejected": ("Kho dữ liệu từ chối", "Liên hệ đơn vị vận hành"),
    "too_late": ("Gửi quá muộn", "Liên hệ đơn vị vận hành để tính lại kỳ đã khoá"),
    "poison_crash": ("Bản ghi làm dừng xử lý", "Liên hệ đơn vị vận hành"),
    "other": ("Lý do khác", "Liên hệ đơn vị vận hành"),
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


class RejectReport:
    """Reports under one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, rejects: Iterable[Reject], now: int) -> list[Path]:
        """Append rejects to their providers' files of the day; one that stands there already is not written twice. Raises OSError."""
        by_provider: dict[str, list[Reject]] = defaultdict(list)
        for reject in rejects:
            by_provider[_UNSAFE.sub("_", reject.provider or reject.source)[:80]].append(reject)
        return [self._append(provider, items, now) for provider, items in sorted(by_provider.items())]

    def _append(self, provider: str, rejects: list[Reject], now: int) -> Path:
        path = self._directory / provider / f"{local_date(now).isoformat()}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        known = {line.split(",", 1)[0] for line in written.splitlines()}
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if not written:
            text.write("\ufeff")
            writer.writerow(HEADER)
        for reject in rejects:
            identity = reject_id(reject)
            if identity not in known:
                known.add(identity)
                writer.writerow(_row(identity, reject, now))
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        return path


def _row(identity: str, reject: Reject, now: int) -> list[str]:
    reason, remedy = WORDS[reject.reason]
    cells = [identity, time_vi(now), reject.source, reject.place, reject.field, reason, reject.detail, remedy]
    return [_inert(cell) for cell in cells]


def _inert(cell: str) -> str:
    """A cell a spreadsheet does not take for a formula: names of files and fields come from outside."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@", "\t", "\r"} else cell
