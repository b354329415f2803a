"""Alphabets, parts and forms of text messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.sms_text import BASIC, EXTENDED, fitted, form_of, plain

ACCENTED = (
    "Tỉnh Khánh Hòa: giải ngân 5,23% kế hoạch Thủ tướng Chính phủ giao, chậm 5,1 điểm % so với tiến độ. "
    "Đề nghị giải trình trước ngày 10/10/2026"
)


def test_one_accented_sentence_costs_two_parts_and_its_plain_form_one() -> None:
    accented, bare = form_of(ACCENTED), form_of(plain(ACCENTED))
    assert (accented.alphabet, accented.length, accented.parts) == ("UCS-2", 139, 3)
    assert (bare.alphabet, bare.length, bare.parts) == ("GSM-7", 139, 1)
    assert bare.text.startswith("Tinh Khanh Hoa: giai ngan 5,23% ke hoach Thu tuong Chinh phu giao, cham 5,1 diem %")


@pytest.mark.parametrize(("text", "alphabet", "length", "parts"), [
    ("", "GSM-7", 0, 1), ("a" * 160, "GSM-7", 160, 1), ("a" * 161, "GSM-7", 161, 2), ("a" * 306, "GSM-7", 306, 2),
    ("a" * 307, "GSM-7", 307, 3), ("€" * 80, "GSM-7", 160, 1), ("€" * 81, "GSM-7", 162, 2), ("a" * 152 + "€" * 10, "GSM-7", 172, 2),
    ("ạ" * 70, "UCS-2", 70, 1), ("ạ" * 71, "UCS-2", 71, 2), ("ạ" * 134, "UCS-2", 134, 2), ("ạ" * 135, "UCS-2", 135, 3),
    ("🌊" * 35, "UCS-2", 70, 1), ("🌊" * 36, "UCS-2", 72, 2), ("à", "GSM-7", 1, 1), ("á", "UCS-2", 1, 1),
])  # fmt: skip
def test_parts(text: str, alphabet: str, length: int, parts: int) -> None:
    form = form_of(text)
    assert (form.alphabet, form.length, form.parts) == (alphabet, length, parts)


def test_a_sign_of_two_septets_is_not_cut_between_parts() -> None:
    assert form_of("a" * 152 + "€" + "a" * 152).parts == 3  # 306 septets, but the sign would lie on the border
    assert form_of("a" * 153 + "€" + "a" * 151).parts == 2


def test_signs_of_our_texts_have_a_plain_form() -> None:
    assert plain("[DIỄN TẬP] «Đỏ» – 7,4 điểm % … A & B") == '(DIEN TAP) "Do" - 7,4 diem % ... A  va  B'


@given(st.text(max_size=400), st.integers(10, 480))
def test_a_fitted_text_fits_and_is_seven_bit(text: str, most: int) -> None:
    found = form_of(fitted(text, most))
    assert found.alphabet == "GSM-7"
    assert found.length <= max(most, 3)
    assert set(found.text) <= BASIC | EXTENDED


def test_a_cut_text_is_cut_at_a_word() -> None:
    assert fitted("muc nuoc tai Ha Noi dang len nhanh", 20) == "muc nuoc tai Ha..."
