"""Templates are strict about fields, and their box holds."""

from __future__ import annotations

import time
from pathlib import Path

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.templating import (
    FIELDS,
    MAX_OUTPUT_BYTES,
    Source,
    check,
    example_fields,
    nest,
    render,
)
from fliptech_site.errors import InvalidInput


def filled(text, **lead):
    blank = nest(dict.fromkeys(FIELDS, ""))
    blank["lead"] = {**blank["lead"], **lead}
    return render(Source("x", "s", text), blank).html


def test_fields_are_filled_in_and_escaped_in_html_only():
    source = Source(
        "x", "Hi {{ lead.name }}", "<p>{{ lead.name }}</p>", "{{ lead.name }}"
    )
    fields = nest({**dict.fromkeys(FIELDS, ""), "lead.name": "Bo & <b>Co</b>\nBcc: x"})

    made = render(source, fields)

    assert made.subject == "Hi Bo & <b>Co</b> Bcc: x"
    assert made.html == "<p>Bo &amp; &lt;b&gt;Co&lt;/b&gt;\nBcc: x</p>"
    assert made.text == "Bo & <b>Co</b>\nBcc: x"


def test_a_blank_field_takes_its_fallback():
    assert filled("{{ lead.city | default: 'your town' }}") == "your town"
    assert filled("{{ lead.city | default: 'your town' }}", city="Oslo") == "Oslo"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{ lead.nme }}", "Template 'x': field 'lead.nme' does not exist; did you mean 'lead.name'?"),
        ("{{ lead.nme | default: 'a' }}", "did you mean 'lead.name'"),
        ("{% if lead.citty %}a{% endif %}", "did you mean 'lead.city'"),
        ("{{ lead }}", "is a group of fields; write one of them"),
        ("{{ zzz }}", "the fields are lead.name,"),
        ("{{ lead[demo.url] }}", "does not exist"),
        ("{{ lead.name | uppercase }}", "there is no filter 'uppercase'; did you mean 'upcase'"),
        ("{{ lead.name | safe }}", "there is no filter 'safe'"),
        ("a\n{% if %}", "line 2"),
        ("{{ lead.name", "correct the Liquid"),
        ("{% for a in lead.name %}", "correct the Liquid"),
        ("{% include 'other' %}", "unexpected tag 'include'"),
        ("{% render 'other' %}", "unexpected tag 'render'"),
        ("{{ 1 | divided_by: 0 }}", "divide"),
        (" ", "needs a subject and an HTML body"),
        ("x" * 100_001, "at most 100,000"),
    ],
)  # fmt: skip
def test_a_wrong_template_is_one_clear_sentence(text, sentence):
    with pytest.raises(InvalidInput) as refusal:
        check(Source("x", "s", text))

    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


LOOP = "{% for i in (1..900) %}"


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..100000000) %}a{% endfor %}",
        f"{LOOP}{LOOP}a{{% endfor %}}{{% endfor %}}",
        f"{{% assign x = 'aaaa' %}}{LOOP}{{% assign x = x | append: x %}}{{% endfor %}}",
        f"{{% assign x = 9 %}}{LOOP}{{% assign x = x | times: x %}}{{% endfor %}}{{{{ x }}}}",
        "{{ 'a'" + " | replace: 'a', 'aaaaaaaaaaaaaaaa'" * 12 + " }}",
        f"{LOOP}{'y' * 1000}{{% endfor %}}",
        "{% if true %}" * 200 + "{% endif %}" * 200,
    ],
)
def test_a_template_that_asks_for_too_much_is_stopped(text):
    started = time.monotonic()

    with pytest.raises(InvalidInput):
        check(Source("x", "s", text))

    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "path", ["lead.__class__", "lead.name.__class__", "demo.url.format", "_globals"]
)
def test_no_python_object_can_be_reached(path):
    with pytest.raises(InvalidInput, match="does not exist"):
        check(Source("x", "s", f"{{{{ {path} }}}}"))


@given(name=st.text(max_size=100))
def test_no_name_of_a_lead_can_add_a_tag(name):
    made = filled("<p title='{{ lead.name }}'>{{ lead.name }}</p>", name=name)

    tree = lxml.html.fragment_fromstring(
        "".join(c for c in made if c.isprintable()) or "<p></p>", create_parent="div"
    )
    assert [element.tag for element in tree.iter()] == ["div", "p"]


@given(text=st.text(alphabet="{}% |.'leadnameifor:\n", max_size=60))
def test_whatever_is_typed_is_checked_or_refused_in_a_sentence(text):
    source, said = Source("x", "s", text), ""
    try:
        check(source)
    except InvalidInput as refusal:
        said = str(refusal)
    else:
        assert len(render(source, example_fields()).html) <= MAX_OUTPUT_BYTES

    assert not said or said.startswith("Template 'x'")


def test_the_sample_invitation_passes_the_check():
    texts = Path(__file__).parents[2] / "actors" / "main_job" / "invitation"

    check(
        Source(
            "sample",
            (texts / "subject.liquid").read_text(),
            (texts / "body.html.liquid").read_text(),
            (texts / "body.txt.liquid").read_text(),
        )
    )
