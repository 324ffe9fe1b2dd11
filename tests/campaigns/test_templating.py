"""Templates are strict about fields, and what they make is safe and complete."""

from __future__ import annotations

from pathlib import Path

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.fields import CATALOGUE, blanks, examples, read_fallbacks
from campaigns.sandbox import MAX_OUTPUT_BYTES
from campaigns.templating import Source, check, render, used_fields
from fliptech_site.errors import InvalidInput


def filled(text, fallbacks=None, **lead):
    values = {**blanks(), **{f"lead.{name}": value for name, value in lead.items()}}
    return render(Source("x", "s", text, "", fallbacks or {}), values).html


def test_fields_are_filled_in_and_escaped_in_html_only():
    source = Source(
        "x", "Hi {{ lead.name }}", "<p>{{ lead.name }}</p>", "{{ lead.name }}"
    )

    made = render(source, {**blanks(), "lead.name": "Bo & <b>Co</b>\nBcc: x"})

    assert made.subject == "Hi Bo & <b>Co</b> Bcc: x"
    assert made.html == "<p>Bo &amp; &lt;b&gt;Co&lt;/b&gt;\nBcc: x</p>"
    assert made.text == "Bo & <b>Co</b>\nBcc: x"


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_blank_field_takes_its_fallback(blank):
    fallbacks = {"lead.city": "your <town>"}

    assert filled("{{ lead.city | default: 'town' }}", city="Oslo") == "Oslo"
    assert filled("{{ lead.city }}", fallbacks, city="Oslo") == "Oslo"
    assert filled("{{ lead.city }}", fallbacks, city=blank) == "your &lt;town&gt;"
    assert filled("{% if lead.city != blank %}a{% endif %}", fallbacks) == "a"
    assert filled("{{ lead.city | default: 'town' }}", city=blank) == "town"


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize(
    "condition",
    ["lead.city", "lead.city != blank", "lead.city != ''", "'' != lead.city"],
)
def test_every_way_to_ask_for_a_field_is_answered_alike(condition, blank):
    text = f"{{% if {condition} %}}there{{% endif %}}"

    assert filled(text, city="Oslo") == "there"
    assert filled(text, city=blank) == ""


def test_a_template_that_fails_for_blank_fields_says_so():
    with pytest.raises(InvalidInput, match="It fails where fields are blank: ask for"):
        check(Source("x", "s", "{{ 100 | divided_by: lead.score }}"))

    check(Source("x", "s", "{% if lead.score < 50 %}a{% endif %}"))


def test_no_and_zero_are_values_and_take_no_fallback():
    values = {**blanks(), "lead.score": 0, "lead.audit.is_https": False}
    fallbacks = {"lead.score": "much", "lead.audit.is_https": "perhaps"}
    text = "{{ lead.score }} {% if lead.audit.is_https == false %}no https{% endif %}"

    assert render(Source("x", "s", text, "", fallbacks), values).html == "0 no https"


def test_fallbacks_are_read_from_lines():
    assert read_fallbacks(" lead.city = your town \n\nlead.name=a = b") == {
        "lead.city": "your town",
        "lead.name": "a = b",
    }
    with pytest.raises(InvalidInput, match=r"The fallback for 'lead.town' is for no"):
        read_fallbacks("lead.town = x")
    with pytest.raises(InvalidInput, match="'lead.city' is not complete"):
        read_fallbacks("lead.city")


def test_every_field_can_be_written_and_is_found():
    text = " ".join(f"{{{{ {path} }}}}" for path in CATALOGUE)

    check(Source("x", "s", text))
    assert used_fields(Source("x", "s", text)) == set(CATALOGUE)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{{ lead.nme }}", "Template 'x': field 'lead.nme' does not exist; did you mean 'lead.name'?"),
        ("{{ lead.nme | default: 'a' }}", "did you mean 'lead.name'"),
        ("{% if lead.citty %}a{% endif %}", "did you mean 'lead.city'"),
        ("{{ lead }}", "is a group of fields; write one of them"),
        ("{{ lead.audit }}", "is a group of fields; write one of them"),
        ("{{ zzz }}", "the fields are lead.name,"),
        ("{{ lead[demo.url] }}", "does not exist"),
        ("{{ lead.name | uppercase }}", "there is no filter 'uppercase'; did you mean 'upcase'"),
        ("{{ lead.name | safe }}", "there is no filter 'safe'"),
        ("a\n{% if %}", "line 2"),
        ("a\n{{ lead.name", "line 2: '{{' is never closed; write '}}'."),
        ("{% raw %}", "line 1: 'raw' is never closed; write {% endraw %}."),
        ("{% for a in lead.name %}", "correct the Liquid"),
        ("{% include 'other' %}", "unexpected tag 'include'"),
        ("{% render 'other' %}", "unexpected tag 'render'"),
        ("{{ 1 | divided_by: 0 }}", "divide"),
        ("{Hi|Hello", "line 1: '{' begins options that are never closed; write '}'"),
        (" ", "needs a subject and an HTML body"),
        ("x" * 100_001, "at most 100,000"),
        ("{{ 10 | divided_by: lead.score }}", "divide"),
    ],
)  # fmt: skip
def test_a_wrong_template_is_one_clear_sentence(text, sentence):
    with pytest.raises(InvalidInput) as refusal:
        check(Source("x", "s", text))

    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


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


@given(name=st.text(alphabet="{}|%\\ ab'", max_size=30))
def test_no_name_of_a_lead_is_taken_for_liquid_or_spintax(name):
    source = Source("x", "{a|{{ lead.name }}}", "x", "{{ lead.name }}")

    made = render(source, {**blanks(), "lead.name": name})

    assert made.text == (name if name.strip() else "")
    assert made.subject in ("a", " ".join(name.split()))


@given(text=st.text(alphabet="{}% |.'leadnameifor:\n\\<>", max_size=60))
def test_whatever_is_typed_is_checked_or_refused_in_a_sentence(text):
    source, said = Source("x", "s", text), ""
    try:
        check(source)
    except InvalidInput as refusal:
        said = str(refusal)
    else:
        assert len(render(source, examples()).html) <= MAX_OUTPUT_BYTES

    assert not said or said.startswith("Template 'x'")


def test_the_sample_invitation_passes_the_check():
    texts = Path(__file__).parents[2] / "actors" / "main_job" / "invitation"

    check(
        Source(
            "sample",
            (texts / "subject.liquid").read_text(),
            (texts / "body.html.liquid").read_text(),
        )
    )
