"""Words of the board: Vietnamese first, English second. Terms as in the glossary; what a page says it takes from here by its key."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Language = Literal["vi", "en"]


class Words(NamedTuple):
    """One text in both languages."""

    vi: str
    en: str

    def of(self, language: Language) -> str:
        """The text in a language."""
        return self.vi if language == "vi" else self.en


def words(**pairs: tuple[str, str]) -> dict[str, Words]:
    return {key: Words(*pair) for key, pair in pairs.items()}


TEXT: Final[dict[str, Words]] = words(
    board=("Bảng chỉ đạo, điều hành", "Steering board"),
    overview=("Tổng quan", "Overview"),
    indicator=("Chỉ số", "Indicator"),
    ranking=("Xếp hạng", "Ranking"),
    map=("Bản đồ", "Map"),
    alerts=("Cảnh báo", "Alerts"),
    alert=("Cảnh báo", "Alert"),
    supply=("Cung cấp số liệu", "Data supply"),
    operations=("Vận hành", "Operations"),
    sign_in=("Đăng nhập", "Sign in"),
    sign_out=("Đăng xuất", "Sign out"),
    account=("Tài khoản", "Account"),
    password=("Mật khẩu", "Password"),
    skip=("Tới nội dung", "Skip to content"),
    language=("English", "Tiếng Việt"),
    export=("Tải về", "Download"),
    territory=("Địa bàn", "Territory"),
    country=("Cả nước", "The whole country"),
    show=("Xem", "Show"),
    menu=("Các trang", "Pages"),
    severity=("Mức", "Severity"),
    owner=("Cơ quan chịu trách nhiệm", "Who answers"),
    value=("Giá trị", "Value"),
    plan=("Kế hoạch", "Plan"),
    path=("Tiến độ theo kế hoạch", "Path of the plan"),
    gap=("Chênh so với tiến độ", "Against the path"),
    period=("Kỳ", "Period"),
    measure_unit=("Đơn vị", "Unit"),
    data_until=("Số liệu đến", "Data until"),
    status=("Đánh giá", "Judgement"),
    data_status=("Tình trạng số liệu", "Status of data"),
    late=("Số liệu trễ", "Data late"),
    fresh=("Số liệu kịp thời", "Data on time"),
    no_data=("Chưa có số liệu", "No data yet"),
    same_period=("Cùng kỳ năm trước", "Same period of last year"),
    no_same_period=("chưa có số liệu cùng kỳ", "no figure of last year"),
    previous=("Kỳ trước", "Previous period"),
    year_to_date=("Lũy kế năm", "Year to date"),
    month=("Tháng", "Month"),
    trend=("Diễn biến", "Trend"),
    needs_you=("Cần xử lý ngay", "Needs attention now"),
    nothing_open=("Không có cảnh báo nào đang mở trong phạm vi của Ông/Bà.", "No alert is open within your scope."),
    all_alerts=("Tất cả cảnh báo", "All alerts"),
    core=("Chỉ số cốt lõi", "Core indicators"),
    others=("chỉ số chưa có số liệu", "indicators without data yet"),
    catalogue=("Danh mục", "Catalogue"),
    by_territory=("Theo địa bàn", "By territory"),
    by_part=("Theo đối tượng và phân tổ", "By subject and dimension"),
    lineage=("Nguồn gốc số liệu", "Where the figure comes from"),
    records=("Bản ghi nguồn", "Source records"),
    as_of=("Xem như đã biết lúc", "As known at"),
    now=("hiện tại", "now"),
    then=("Biết lúc đó", "Known then"),
    today=("Biết nay", "Known now"),
    topic=("Chủ đề", "Topic"),
    partition=("Phân vùng", "Partition"),
    offset=("Vị trí", "Offset"),
    operand=("Thành phần tính", "Operand"),
    through=("Tính đến vị trí", "Through offset"),
    record=("Bản ghi", "Record"),
    revision=("Lần đính chính", "Revision"),
    event_time=("Thời điểm số liệu", "Event time"),
    arrived=("Tiếp nhận lúc", "Arrived"),
    source=("Nguồn", "Source"),
    provider=("Đầu mối cung cấp", "Provider"),
    place=("Hạng", "Place"),
    movement=("So kỳ trước", "Movement"),
    disbursed=("Đã giải ngân", "Disbursed"),
    late_units=("Địa phương gửi số liệu muộn", "Units with late data"),
    late_units_why=(
        "Số liệu dừng trước kỳ của các địa phương khác từ 10 ngày trở lên nên không xếp hạng chung.",
        "Their data ends 10 days or more before the others', so they are not ranked with them.",
    ),
    told=("Đã báo cho", "Told"),
    story=("Diễn biến cảnh báo", "Story of the alert"),
    acknowledge=("Tiếp nhận", "Acknowledge"),
    explain=("Giải trình", "Explain"),
    shelve=("Gác lại", "Shelve"),
    unshelve=("Thôi gác lại", "Unshelve"),
    close=("Đóng", "Close"),
    comment=("Ghi chú", "Comment"),
    note=("Nội dung", "What is said"),
    hours=("Số giờ", "Hours"),
    act=("Xử lý", "Act"),
    act_done=(
        "Đã ghi. Tiến trình cảnh báo đang xử lý, trang tự cập nhật.",
        "Written. The alerts process takes it up; this page updates itself.",
    ),
    opened_at=("Mở lúc", "Opened"),
    condition=("Tình trạng", "Condition"),
    attention=("Xử lý", "Attention"),
    limit=("Ngưỡng, tiến độ", "Limit or path"),
    open_only=("Đang mở", "Open"),
    everything=("Cả đã hết", "Also those over"),
    layer=("Lớp", "Layer"),
    disbursement=("Tiến độ giải ngân", "Disbursement"),
    stations=("Trạm mưa, mực nước", "Rain and river stations"),
    schematic=(
        "sơ đồ: mỗi chấm là tâm một xã, phường, đặc khu; không phải ranh giới hành chính",
        "schematic: each dot is the centre of a commune-level unit; these are no boundaries",
    ),
    station=("Trạm", "Station"),
    river_level=("Mực nước", "River level"),
    rain24=("Mưa 24 giờ", "Rain in 24 h"),
    alarm=("Cấp báo động", "Alarm level"),
    records_count=("Số bản ghi", "Records"),
    corrections=("Đính chính", "Corrections"),
    newest_event=("Sự kiện mới nhất", "Newest event"),
    newest_arrival=("Tiếp nhận gần nhất", "Newest arrival"),
    refused=("Số liệu bị từ chối", "Refused input"),
    stage=("Khâu", "Stage"),
    reason=("Lý do", "Reason"),
    count=("Số lượng", "Number"),
    example=("Ví dụ", "Example"),
    what_to_do=("Cách xử lý", "What to do"),
    table=("Bảng", "Table"),
    rows=("Số dòng", "Rows"),
    partitions=("Phân vùng", "Partitions"),
    newest=("Ghi gần nhất", "Newest row"),
    live=("trực tiếp", "live"),
    live_lost=("mất kết nối trực tiếp, đang nối lại", "live connection lost, reconnecting"),
    wrong=("Tên hoặc mật khẩu không đúng.", "Name or password is wrong."),
    too_many=("Quá nhiều lần thử. Xin chờ {seconds} giây.", "Too many attempts. Please wait {seconds} s."),
    forbidden=("Không có quyền xem", "Not allowed"),
    forbidden_why=(
        "Tài khoản này không được xem nội dung này. Nếu cần, đề nghị quản trị cấp quyền theo địa bàn và mức chi tiết.",
        "This account may not see this. If your work needs it, ask the administrator for the territory and level of detail.",
    ),
    missing=("Không tìm thấy", "Not found"),
    missing_why=(
        "Không có nội dung này, hoặc nó nằm ngoài phạm vi của tài khoản.",
        "There is no such page, or it lies outside your account's scope.",
    ),
    unavailable=("Kho số liệu chưa trả lời", "The data store does not answer"),
    unavailable_why=(
        "Số liệu không mất. Trang thử lại khi tải lại; nếu kéo dài quá 5 phút, báo bộ phận vận hành.",
        "No data is lost. Reload to try again; if it lasts over 5 minutes, tell operations.",
    ),
    not_written=("Chưa ghi được", "Not written"),
    bad_request=("Yêu cầu không hợp lệ", "Bad request"),
    expired=(
        "Phiên hoặc biểu mẫu đã hết hạn: tải lại trang rồi làm lại.",
        "The session or form is out of date: reload the page and try again.",
    ),
    detail_hidden=("Chi tiết này nằm dưới mức chi tiết của tài khoản.", "This detail is below your account's level of detail."),
    generated=("Số liệu sinh để trình diễn", "Generated demonstration data"),
    open_data=("nước ngoài, số liệu mở", "foreign open data"),
    since_you=("Mới từ lần xem trước", "New since you last looked"),
    from_parts=("từ {parts} địa phương", "from {parts} provinces"),
    rule_default=(
        "Tiến độ và mức là mặc định của hệ thống, chờ cơ quan chủ trì xác nhận.",
        "Path and levels are defaults, to be confirmed by their owner.",
    ),
    reader=("Người xem", "Reader"),
    scope_of=("Phạm vi", "Scope"),
    depth=("Mức chi tiết", "Level of detail"),
    search=("Lọc", "Filter"),
    all=("Tất cả", "All"),
    chart=("Biểu đồ", "Chart"),
    series_table=("Bảng số liệu", "Table of the series"),
    actual=("Thực hiện", "Actual"),
    changed=("Chênh lệch", "Difference"),
    raw=("giá trị gốc", "raw value"),
    formula=("Cách tính", "How it is computed"),
    definition=("Khái niệm", "Definition"),
    frequency=("Kỳ cung cấp", "Frequency"),
    empty=("Không có dòng nào.", "No rows."),
    refresh_why=("Có số liệu mới.", "There is new data."),
    refresh=("Cập nhật trang", "Update the page"),
    furthest=("Chậm nhất", "Furthest behind"),
    source_doc=("Căn cứ", "Source"),
)


def word(table: dict[str, Words], key: str, language: Language) -> str:
    """The word of a key; the key itself where the table has none."""
    found = table.get(key)
    return found.of(language) if found else key
