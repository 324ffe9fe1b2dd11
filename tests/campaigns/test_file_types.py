"""A file is what its content says, and only harmless kinds go with a mail."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.file_types import check_name, check_total, kind_of
from fliptech_site.errors import InvalidInput


def document(*parts):
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        for part in parts:
            archive.writestr(part, "x")
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n\0", "image/png"),
        ("A.JPG", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a.gif", b"GIF89a", "image/gif"),
        ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("our offer.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("a.ics", b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        ("a.vcf", b"BEGIN:VCARD\r\n", "text/vcard"),
        ("a.csv", "Stra\u00dfe;1\n".encode(), "text/csv"),
        ("a.txt", b"\xef\xbb\xbfHello", "text/plain"),
        (
            "a.docx",
            document("word/document.xml"),
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
    ],
)
def test_a_file_is_known_by_its_content(name, content, wanted):
    assert kind_of(name, content).content_type == wanted


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.exe", b"MZ\x90\0"),
        ("a.pdf", b"MZ\x90\0"),
        ("a.pdf.exe", b"%PDF-1.7"),
        ("a.png", b"%PDF-1.7"),
        ("a.txt", b"#!/bin/sh\n"),
        ("a.txt", b"\xff\xfe\0"),
        ("a.js", b"alert(1)"),
        ("a.html", b"<script>alert(1)</script>"),
        ("a.svg", b"<svg onload='x'/>"),
        ("a.zip", document("a.exe")),
        ("a.docx", document("a.exe")),
        ("a.docx", b"PK\x03\x04broken"),
        ("a.docx", document("word/document.xml", "word/vbaProject.bin")),
        ("a.txt", b"BEGIN:VCALENDAR"),
        ("txt", b"Hello"),
    ],
)
def test_what_servers_block_or_what_lies_about_itself_is_refused(name, content):
    with pytest.raises(InvalidInput, match="use csv, docx"):
        kind_of(name, content)


@given(content=st.binary(max_size=200))
def test_any_content_is_judged(content):
    for name in ("a.txt", "a.docx", "a.png"):
        try:
            assert name.rpartition(".")[2] in kind_of(name, content).endings
        except InvalidInput:
            pass


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../a.pdf",
        "a\\b.pdf",
        "a\nb.pdf",
        ".hidden.pdf",
        " a.pdf",
        "x" * 151,
        'a"b.pdf',
    ],
)
def test_a_name_that_some_system_could_not_store_is_refused(name):
    with pytest.raises(InvalidInput, match="no good name for a file"):
        check_name(name)


def test_names_in_any_letters_are_good():
    check_name("Angebot für Müller (2026).pdf")
    check_name("見積書.pdf")


def test_all_files_together_have_a_limit():
    check_total([1024 * 1024] * 5)
    with pytest.raises(InvalidInput, match="5.0 MB are too much"):
        check_total([1024 * 1024] * 5 + [1])
    with pytest.raises(InvalidInput, match="21 files"):
        check_total([1] * 21)
