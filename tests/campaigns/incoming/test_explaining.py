"""`manage.py explain bounce|reply|agent`: what strangers see."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.core.management import call_command

from campaigns.incoming import phrases
from tests.campaigns.incoming.letters import letter, notice


def explain(*arguments: object) -> list[dict[str, Any]]:
    out = io.StringIO()
    call_command("explain", *map(str, arguments), "--json", stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_each_file_of_a_bounce_has_one_object(tmp_path):
    bounced, answered = tmp_path / "b.eml", tmp_path / "a.eml"
    bounced.write_bytes(notice("<x@shop.example>: 550 5.1.1 unknown user"))
    answered.write_bytes(letter("Yes."))
    first, second = explain("bounce", bounced, answered)
    assert (first["file"], first["kind"]) == (str(bounced), "bounce")
    (failed,) = first["recipients"]
    assert failed["address"] == "x@shop.example"
    assert (failed["status"], failed["hard"], failed["reason"]) == (
        "5.1.1",
        True,
        "user_unknown",
    )
    assert (second["kind"], second["recipients"]) == ("reply", [])


def test_a_reply_is_shown_as_its_new_text(tmp_path):
    file = tmp_path / "r.txt"
    file.write_text("Yes.\n\n> Shall we?\n", encoding="utf-8")
    assert explain("reply", file)[0]["text"] == "Yes."


def test_a_file_that_is_missing_is_explained_and_fails(tmp_path, capsys):
    with pytest.raises(SystemExit):
        call_command("explain", "bounce", str(tmp_path / "none.eml"), "--json")
    answer = json.loads(capsys.readouterr().out)
    assert (answer["kind"], answer["recipients"]) == ("other", [])
    assert "can't be read" in answer["reason"]


def test_agents_come_by_standard_input_one_a_line(monkeypatch):
    lines = b"curl/8.9.1\r\nMozilla/5.0 (X11; Linux) Firefox/132.0\n\xff\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines)))
    answers = explain("agent")
    assert [answer["bot"] for answer in answers] == [True, False, True]
    assert answers[0]["agent"] == "curl/8.9.1"


def test_a_phrase_that_is_no_expression_is_named(monkeypatch, tmp_path):
    (tmp_path / "new.txt").write_text(
        "# One\n[a]\nfine\n(never closed\n", encoding="utf-8"
    )
    monkeypatch.setattr(phrases, "_FOLDER", tmp_path)
    with pytest.raises(re.error, match=r"new\.txt: '\(never closed' is no expression"):
        phrases.read_phrases("new")
