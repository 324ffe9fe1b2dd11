"""Files that people save: pages in every state, and what is none."""

from __future__ import annotations

import gzip
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.saved_pages import MAX_BYTES, is_markup, read_saved, read_saved_file

PAGE = "<html><body><h1>Rosa's Café</h1></body></html>"


@pytest.mark.parametrize(
    "data",
    [PAGE.encode(), PAGE.encode("utf-16"), b"\xef\xbb\xbf" + PAGE.encode(),
     PAGE.encode("cp1252"), gzip.compress(PAGE.encode(), mtime=0), PAGE.encode("utf-16-le")],
)  # fmt: skip
def test_a_page_is_read_however_it_was_saved(data):
    saved = read_saved(data)
    assert (saved.outcome, saved.text) == ("ok", PAGE)


@pytest.mark.parametrize(
    "data", [b"", b" \n\t", b"\x00" * 50, b"\xff\xfe", b"\xef\xbb\xbf"]
)
def test_nothing_is_empty(data):
    assert read_saved(data).outcome == "empty"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "PNG"),
        (b"%PDF-1.7 text", "PDF"),
        (b"PK\x03\x04zip", "ZIP"),
        (random.Random(1).randbytes(5_000), "binary"),
        (bytes(range(32)) * 20, "binary"),
    ],
)
def test_what_is_no_text_is_an_error_that_says_what_it_is(data, what):
    saved = read_saved(data)
    assert (saved.outcome, saved.text) == ("error", "")
    assert what in saved.reason


def test_nul_bytes_in_a_page_do_no_harm():
    saved = read_saved(b"<html>\x00<body>\x00Rosa\x00</body></html>")
    assert saved.outcome == "ok"
    assert "Rosa" in saved.text


def test_a_browsers_archive_is_read_with_its_address():
    archive = (
        "From: <Saved by Blink>\r\nSnapshot-Content-Location: https://rosas.example/\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; type=\"text/html\";\r\n"
        '\tboundary="--x"\r\n\r\n----x\r\nContent-Type: text/html\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "Content-Location: https://rosas.example/\r\n\r\n<p class=3D\"a\">M=C3=BCller</p>\r\n----x--\r\n"
    )  # fmt: skip
    saved = read_saved(archive.encode())
    assert saved.text.strip() == '<p class="a">Müller</p>'
    assert saved.url == "https://rosas.example/"


def test_a_file_that_is_too_long_is_partial(tmp_path):
    path = tmp_path / "long.html"
    path.write_bytes(b"<p>x</p>" * (MAX_BYTES // 8 + 1_000_000))
    saved = read_saved_file(path)
    assert saved.outcome == "partial"
    assert saved.reason == "The file has 28 MB, of which the first 20 MB are read."


def test_a_packed_bomb_is_unpacked_no_further_than_the_limit():
    saved = read_saved(gzip.compress(b"<p>" + b"x" * (MAX_BYTES + 5_000_000)))
    assert saved.outcome == "partial"
    assert len(saved.text) == MAX_BYTES


@pytest.mark.parametrize("name", ["missing.html", ".", "a\x00b"])
def test_a_file_that_can_not_be_opened_is_said_in_one_sentence(tmp_path, name):
    saved = read_saved_file(tmp_path / name)
    assert (saved.outcome, saved.is_readable) == ("error", False)
    assert saved.reason.endswith("check its name.")


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("<p>x", True),
        ("x<br/>y", True),
        ("Joe <joe@shop.example>", False),
        ("1 < 2", False),
    ],
)
def test_an_address_in_brackets_makes_no_page(text, markup):
    assert is_markup(text) is markup


@given(st.binary())
def test_any_bytes_end_in_an_outcome(data):
    saved = read_saved(data)
    assert saved.has_text or saved.reason
