"""Terms of the data in both languages: severities, conditions, transitions, statuses, offices, reasons; after the glossary."""

from __future__ import annotations

from typing import Final

from dashboards.words import Words, words

SEVERITIES: Final = {
    0: Words("hết", "over"),
    1: Words("nhắc", "notice"),
    2: Words("chú ý", "attention"),
    3: Words("cảnh báo", "warning"),
    4: Words("khẩn", "urgent"),
    5: Words("thảm họa", "disaster"),
}
CONDITIONS: Final = words(
    inactive=("đã hết", "over"), pending=("chờ", "pending"), active=("đang mở", "open"), recovering=("đang hồi phục", "recovering")
)
ATTENTIONS: Final = words(
    unacknowledged=("chưa tiếp nhận", "not acknowledged"),
    acknowledged=("đã tiếp nhận", "acknowledged"),
    returned=("hết khi chưa tiếp nhận", "over before acknowledged"),
    shelved=("đang gác lại", "shelved"),
    suppressed=("đang nén", "suppressed"),
)
TRANSITIONS: Final = words(
    opened=("Cảnh báo mới", "Opened"),
    worse=("Nặng thêm", "Worse"),
    better=("Giảm mức", "Better"),
    cleared=("Hết cảnh báo", "Cleared"),
    corrected=("Đính chính", "Corrected"),
    cancelled=("Đính chính: hủy cảnh báo", "Cancelled by a correction"),
    acknowledged=("Đã tiếp nhận", "Acknowledged"),
    explained=("Đã giải trình", "Explained"),
    shelved=("Gác lại", "Shelved"),
    unshelved=("Thôi gác lại", "Unshelved"),
    closed=("Đã đóng", "Closed"),
    commented=("Ghi chú", "Comment"),
    refused=("Không thực hiện được", "Refused"),
    handed_back=("Trả lại", "Handed back"),
    tasked=("Giao thành nhiệm vụ", "Made a task"),
    reminder=("Nhắc việc", "Reminder"),
    suppressed=("Tạm nén", "Suppressed"),
    released=("Thôi nén", "Released"),
    escalated=("Chuyển cấp xử lý", "Escalated"),
    issued=("Ban hành văn bản", "Request issued"),
    answered=("Đã trả lời", "Answered"),
    decided=("Đã kết luận", "Decided"),
    sent_back=("Trả lại nội dung trả lời", "Answer sent back"),
    withdrawn=("Thu hồi văn bản", "Request withdrawn"),
    urged=("Đôn đốc", "Urged"),
)
STATES: Final = words(
    requested=("chờ gửi", "waiting"),
    intended=("đang gửi", "sending"),
    handed_over=("đã gửi", "sent"),
    delivered=("đã nhận", "received"),
    failed=("gửi hỏng", "failed"),
    held=("giữ lại", "held"),
    skipped=("không gửi", "not sent"),
    recorded=("ghi nhận, không gửi", "recorded, not sent"),
)
OFFICES: Final = words(
    chair_province=("Chủ tịch Ủy ban nhân dân", "Chair of the People's Committee"),
    finance_department=("Sở Tài chính", "Department of Finance"),
    duty_civil_defence_province=("Trực ban phòng thủ dân sự", "Civil defence duty"),
    director_hospital=("Giám đốc bệnh viện", "Director of the hospital"),
    duty_health_province=("Trực ban Sở Y tế", "Health duty"),
    operations_centre=("Trực vận hành Trung tâm điều hành", "Operations centre duty"),
    duty_government_office=("Trực ban Văn phòng Chính phủ", "Government Office duty"),
    office_province=("Văn phòng Ủy ban nhân dân", "Office of the People's Committee"),
    science_department=("Sở Khoa học và Công nghệ", "Department of Science and Technology"),
    responsible_head=("Người đứng đầu cơ quan chịu trách nhiệm", "Head of the agency that answers"),
    provider=("Đầu mối cung cấp số liệu", "Provider of the figure"),
)
STATUSES: Final = words(
    estimated=("ước thực hiện", "estimated"),
    preliminary=("sơ bộ", "preliminary"),
    official=("chính thức", "official"),
    revised=("đính chính", "revised"),
    deleted=("đã hủy", "withdrawn"),
)
OPERANDS: Final = words(
    disbursed=("đã giải ngân", "disbursed"),
    plan=("kế hoạch", "plan"),
    collected=("đã thu", "collected"),
    estimate=("dự toán", "estimate"),
    occupied=("đang dùng", "occupied"),
    free=("trống", "free"),
)
ROLES: Final = words(leader=("Lãnh đạo", "Leader"), duty_officer=("Trực ban", "Duty officer"), analyst=("Phân tích", "Analyst"))
DEPTHS: Final = (
    Words("tổng số", "totals"),
    Words("phân tổ", "dimensions"),
    Words("đối tượng", "subjects"),
    Words("bản ghi nguồn", "source records"),
)
FREQUENCIES: Final = words(
    instant=("tức thời", "instant"),
    hour=("giờ", "hourly"),
    day=("ngày", "daily"),
    week=("tuần", "weekly"),
    month=("tháng", "monthly"),
    quarter=("quý", "quarterly"),
    half_year=("6 tháng", "half-yearly"),
    year=("năm", "yearly"),
    on_decision=("theo quyết định", "on decision"),
    nine_months=("9 tháng", "nine months"),
    reporting_month=("tháng báo cáo", "reporting month"),
    budget_year_to_date=("lũy kế năm", "year to date"),
    july_november=("tháng 7 và tháng 11", "July and November"),
    multi_year=("nhiều năm", "multi-year"),
)
REASONS: Final = words(
    sentinel=("trạm báo số đo hỏng", "the station marks its reading as failed"),
    validation=("trái quy tắc kiểm tra", "against a rule of validation"),
    decode=("không đọc được", "cannot be read"),
    truncated=("bị cắt cụt", "cut short"),
    too_large=("quá lớn", "too large"),
    contract=("sai hợp đồng dữ liệu", "against the data contract"),
    schema_unknown=("lược đồ lạ", "unknown schema"),
    duplicate=("trùng", "duplicate"),
)
REMEDIES: Final = words(
    sentinel=(
        "Báo đơn vị quản lý trạm kiểm tra thiết bị; số đo sau sẽ tự vào.",
        "Have the station's owner check the device; later readings come in by themselves.",
    ),
    validation=(
        "Trả bản ghi cho đầu mối sửa trường đã nêu và gửi lại với cùng mã.",
        "Return the record to its provider to correct the named field and send it again under the same id.",
    ),
    decode=("Đề nghị đầu mối gửi lại tệp đúng định dạng.", "Ask the provider to send the file again in the agreed format."),
    contract=("So lược đồ của đầu mối với schemas/README.md.", "Compare the provider's schema with schemas/README.md."),
    schema_unknown=("Đăng ký lược đồ: nhip schemas register.", "Register the schema: nhip schemas register."),
)
PHASES: Final = words(prevention=("phòng ngừa", "prevention"), response=("ứng phó", "response"), recovery=("khắc phục", "recovery"))
PILLARS: Final = words(
    command=("Chỉ huy tại chỗ", "Command"),
    forces=("Lực lượng tại chỗ", "Forces"),
    supplies=("Phương tiện, vật tư tại chỗ", "Means and supplies"),
    logistics=("Hậu cần tại chỗ", "Logistics"),
)
READINESS: Final = words(
    ready=("sẵn sàng", "ready"), partly=("sẵn sàng một phần", "partly ready"), not_ready=("chưa sẵn sàng", "not ready")
)
DEEDS: Final = words(
    open=("Mở", "Opened"),
    widen=("Mở rộng địa bàn", "Area widened"),
    phase=("Chuyển giai đoạn", "Phase changed"),
    readiness=("Báo cáo bốn tại chỗ", "Readiness reported"),
    note=("Ghi sổ trực", "Note"),
    handover=("Bàn giao ca trực", "Shift handed over"),
    accept=("Nhận ca trực", "Shift taken"),
    close=("Kết thúc", "Closed"),
)
