"""Words of the pages of projects, in both languages; part of `words.TEXT`."""

from __future__ import annotations

from typing import Final

PROJECTS: Final[dict[str, tuple[str, str]]] = {
    "registry": ("theo sổ đăng ký dự án", "from the register of projects"),
    "table_13": ("Bảng 13 – thông tin dự án", "Table 13 – facts of the project"),
    "reported_rows": ("{n}/{of} mục có số liệu", "{n} of {of} rows reported"),
    "not_reported": ("chưa được cung cấp", "not supplied yet"),
    "colour_default": (
        "Màu theo tiến độ giải ngân trong năm ngân sách và cảnh báo đang mở: mặc định của hệ thống, chờ cơ quan chủ trì xác nhận.",
        "Colour by the disbursement of the budget year and open alerts: a default, to be confirmed by the owner.",
    ),
    "obstacles": ("Vướng mắc và cơ quan phải tháo gỡ", "Obstacles and who must remove them"),
    "obstacle": ("Vướng mắc", "Obstacle"),
    "obstacles_standing": ("Vướng mắc", "Obstacles"),
    "must_remove": ("Cơ quan phải tháo gỡ", "Who must remove it"),
    "days_overdue": ("Số ngày quá hạn", "Days overdue"),
    "overdue_by": ("quá hạn {n} ngày", "{n} days overdue"),
    "longest_overdue": ("quá hạn lâu nhất {n} ngày", "longest overdue: {n} days"),
    "obstacle_since": ("Từ ngày", "Since"),
    "removed_on": ("Tháo gỡ ngày", "Removed on"),
    "told_by": ("Cơ quan báo cáo", "Told by"),
    "no_obstacles": (
        "Chưa có vướng mắc nào của dự án được báo cáo; bảng vướng mắc gửi vào nguồn «obstacles».",
        "No obstacle of the project has been supplied; tables of obstacles come in by the source «obstacles».",
    ),
    "project_alerts": ("Cảnh báo đang mở về dự án", "Open alerts about the project"),
    "no_project_alerts": ("Không có cảnh báo đang mở về dự án.", "No alert about the project is open."),
}
