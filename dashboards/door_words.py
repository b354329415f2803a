"""Words of the door in both languages: signing in and out, here and by a provider; part of `words.TEXT`."""

from __future__ import annotations

from typing import Final

DOOR: Final[dict[str, tuple[str, str]]] = {
    "sign_in": ("Đăng nhập", "Sign in"),
    "sign_out": ("Đăng xuất", "Sign out"),
    "wrong": ("Tên hoặc mật khẩu không đúng.", "Name or password is wrong."),
    "oidc_begin": ("Đăng nhập bằng {name}", "Sign in with {name}"),
    "or_local": ("hoặc bằng tài khoản của bảng này", "or with an account of this board"),
    "signed_out": ("Đã đăng xuất khỏi bảng này.", "You are signed out of this board."),
    "oidc_end": ("Đăng xuất cả khỏi {name}", "Sign out of {name} too"),
    "oidc_away": (
        "{name} không trả lời: đăng nhập bằng tài khoản của bảng này, hoặc thử lại sau ít phút.",
        "{name} does not answer: use an account of this board, or try again in a few minutes.",
    ),
    "oidc_state": (
        "Lượt đăng nhập này đã dùng, đã quá 10 phút hoặc bắt đầu ở trình duyệt khác: bấm đăng nhập lại.",
        "This sign-in was used already, is older than 10 minutes or began in another browser: sign in again.",
    ),
    "oidc_denied": (
        "{name} không cho đăng nhập: thử lại hoặc hỏi người quản trị.",
        "{name} refused the sign-in: try again or ask its operator.",
    ),
    "oidc_issuer": (
        "Thẻ do nơi khác phát hành, không phải {name}: báo người quản trị.",
        "The token was issued elsewhere, not by {name}: tell the operator.",
    ),
    "oidc_audience": (
        "Thẻ của {name} cấp cho hệ thống khác, không phải bảng này: báo người quản trị.",
        "The token of {name} is meant for another system: tell the operator.",
    ),
    "oidc_nonce": (
        "Thẻ của {name} không thuộc lượt đăng nhập này: bấm đăng nhập lại.",
        "The token of {name} belongs to another sign-in: sign in again.",
    ),
    "oidc_expired": (
        "Thẻ của {name} đã hết hạn, hoặc đồng hồ hai bên lệch quá 60 giây: bấm đăng nhập lại, kiểm tra giờ máy chủ.",
        "The token of {name} has expired, or the clocks differ by more than 60 seconds: sign in again, check the servers' time.",
    ),
    "oidc_signature": (
        "Chữ ký của thẻ không phải của {name}: không đăng nhập được, báo người quản trị.",
        "The token is not signed by {name}: tell the operator.",
    ),
    "oidc_algorithm": (
        "Thẻ của {name} ký bằng thuật toán không được chấp nhận (cần RS256, PS256 hoặc ES256): báo người quản trị.",
        "The token of {name} is signed by an algorithm that is not accepted (RS256, PS256 or ES256): tell the operator.",
    ),
    "oidc_claims": (
        "Thẻ của {name} thiếu thông tin bắt buộc: báo người quản trị.",
        "The token of {name} lacks what it must say: tell the operator.",
    ),
    "oidc_unmapped": (
        "{name} biết Ông/Bà nhưng bảng chưa giao quyền xem: đề nghị người quản trị thêm vào bảng ánh xạ (NHIP_BOARD_OIDC_MAPPING).",
        "{name} knows you, but no right on this board is given to you: ask the operator for a row of NHIP_BOARD_OIDC_MAPPING.",
    ),
}
