"""What the bytes prove comes before what a page says of its character set."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.decoding import decode, repair

TEXT = "<p>Café Müller – “täglich”</p>"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, TEXT.encode()),
        ("text/html; charset=iso-8859-1", TEXT.encode()),
        ("text/html; charset=us-ascii", TEXT.encode()),
        ("text/html; charset=utf-16", TEXT.encode()),
        ("text/html; charset=nonsense", TEXT.encode()),
        (None, codecs.BOM_UTF8 + TEXT.encode()),
        ("text/html; charset=iso-8859-1", TEXT.encode("utf-16")),
        (None, codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")),
        (None, TEXT.encode("utf-16-le")),
        (None, TEXT.encode("utf-16-be")),
        (None, codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le")),
        (None, TEXT.encode("cp1252")),
        ("text/html; charset=utf-8", TEXT.encode("cp1252")),
        ("text/html; charset=iso-8859-1", TEXT.encode("cp1252")),
        (None, TEXT.encode().decode("latin-1").encode()),
    ],
)
def test_a_page_is_read_as_what_it_is(content_type, body):
    assert decode(content_type, body) == TEXT


def test_a_declared_set_of_many_bytes_is_believed():
    body = "こんにちは".encode("shift_jis")
    assert decode("text/html; charset=shift_jis", body) == "こんにちは"
    meta = b'<meta charset="euc-jp">' + "今日は".encode("euc-jp")
    assert decode(None, meta).endswith("今日は")


def test_a_page_that_is_cut_inside_a_character_stays_utf8():
    assert decode(None, "Müller – é".encode()[:-1]).startswith("Müller – ")


def test_a_line_that_was_encoded_twice_is_put_right_and_others_are_left():
    twice = "Mecánico".encode().decode("latin-1")
    assert repair(f"{twice}\nSÃO PAULO\nfine") == "Mecánico\nSÃO PAULO\nfine"


@given(st.binary(), st.none() | st.text())
def test_any_bytes_are_text(body, content_type):
    assert isinstance(decode(content_type, body), str)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff"), min_size=1)
)
def test_utf8_without_moji_comes_out_as_it_went_in(text):
    if not any(char in "ÂÃÄÅâ" for char in text):
        assert decode("text/html; charset=utf-8", text.encode()) == text
