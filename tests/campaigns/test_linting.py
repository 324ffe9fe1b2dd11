"""The linter names what makes mails fail, and what costs readers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from campaigns.linting import Draft, Level, NamedFile, Sample, lint
from campaigns.spam_words import found_spam_words
from campaigns.templating import Source

STOP = "https://x.example/stop"
GOOD = Draft(
    source=Source("x", "A page for {{ lead.name }}", "<p>Hello</p>"),
    sample=Sample(
        subject="A page for Rosie's Bakery",
        html=(
            '<p>Hello, <a href="https://d.example/">see your page</a>.</p>'
            f'<a href="{STOP}">stop</a>'
        ),
        text="Hello, see your page <https://d.example/>.",
        size_bytes=900,
        postal_address="1 Main Street",
        unsubscribe_url=STOP,
    ),
)


def codes(draft):
    return [finding.code for finding in lint(draft)]


def sampled(html="", **values):
    sample = replace(GOOD.sample, **values)
    return replace(GOOD, sample=replace(sample, html=sample.html + html))


def test_a_good_template_has_no_fault():
    assert lint(GOOD) == []


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (replace(GOOD, source=Source("x", "s", "{{ lead.nme }}")), "template"),
        (replace(GOOD, source=Source("x", "s", "{a|b")), "template"),
        (sampled(subject=""), "subject"),
        (sampled(postal_address=" "), "postal-address"),
        (sampled(unsubscribe_url="https://x.example/other"), "unsubscribe"),
        (replace(GOOD, files=(NamedFile("a.exe", b"MZ\x90", False),)), "file"),
        (replace(GOOD, files=(NamedFile("a.txt", b"x" * 6_000_000, False),)), "file"),
    ],
)
def test_what_makes_every_mail_fail_is_an_error_and_comes_first(draft, code):
    first = lint(draft)[0]

    assert (first.level, first.code) == (Level.ERROR, code)
    assert first.sentence.endswith((".", "?"))


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (replace(GOOD, source=Source("x", "s", "a }")), "brace"),
        (sampled(subject="x" * 61), "subject-length"),
        (sampled(subject="LOOK AT THIS offer"), "subject-shouts"),
        (sampled(subject="Hello!!"), "subject-shouts"),
        (sampled(subject="Re: your page"), "subject-reply"),
        (sampled(size_bytes=104_449), "size"),
        (sampled(text="Act now, it is 100% free"), "spam-words"),
        (sampled(html='<a href="/page">x</a>'), "link"),
        (sampled(html='<a href="page.example">x</a>'), "link"),
        (sampled(html='<a href="http://d.example/">x</a>'), "link"),
        (sampled(html='<a href="javascript:alert(1)">x</a>'), "link"),
        (sampled(html='<a href="https://bit.ly/x">x</a>'), "link"),
        (sampled(html='<a href="https://[x">x</a>'), "link"),
        (sampled(html='<a href="mailto:">x</a>'), "link"),
        (sampled(html='<img src="https://d.example/a.png">'), "alt"),
        (sampled(html='<img src="a.png" alt="">'), "image"),
        (sampled(html='<img src="data:image/png;base64,x" alt="">'), "image"),
        (sampled(html='<img src="https://d.example/a.png" alt="a">'), "image-ratio"),
        (
            replace(GOOD, files=(NamedFile("a.gif", b"GIF89a", True),)),
            "file-unused",
        ),
    ],
)
def test_what_costs_readers_is_a_warning(draft, code):
    found = [finding for finding in lint(draft) if finding.code == code]

    assert len(found) == 1
    assert found[0].level is Level.WARNING


def test_a_mail_without_a_link_of_its_own_is_told():
    html = f'<p>Hello</p><a href="{STOP}">stop</a>'

    assert codes(replace(GOOD, sample=replace(GOOD.sample, html=html))) == ["no-link"]


@pytest.mark.parametrize(
    ("html", "fallbacks", "is_told"),
    [
        ("Hi {{ lead.city }},", {}, True),
        ("Hi {{ lead.city | upcase }},", {}, True),
        ("Hi {{ lead.city | default: 'all' }}, {{ lead.city }}", {}, True),
        ("Hi {{ lead.city | default: 'all' }},", {}, False),
        ("Hi {{ lead.city | strip | default: 'all' }},", {}, False),
        ("Hi{% if lead.city %} {{ lead.city }}{% endif %},", {}, False),
        ("{% if lead.city %}a{% endif %} Hi {{ lead.city }},", {}, True),
        (
            "{% unless lead.city == blank %}{% if true %}{{ lead.city }}{% endif %}{% endunless %}",
            {},
            False,
        ),
        (
            "{% case lead.city %}{% when 'Oslo' %}{{ lead.city }}{% endcase %}",
            {},
            False,
        ),
        ("{% assign town = lead.city %}{{ town }}", {}, True),
        ("{Hi|Hello {{ lead.city }}}", {}, True),
        ("Hi {{ lead.city }},", {"lead.city": "all"}, False),
    ],
)
def test_a_blank_field_without_a_fallback_is_counted(html, fallbacks, is_told):
    source = Source("x", "s", html, "", fallbacks)
    draft = replace(GOOD, source=source, blank={"lead.city": 1200}, audience=5000)

    found = [finding.sentence for finding in lint(draft)]

    assert [("lead.city is blank for 1,200 of 5,000 leads" in s) for s in found] == (
        [True] if is_told else []
    )


def test_phrases_are_found_whole_and_once():
    text = "Act NOW!  We don\u2019t react nowhere. act\nnow. No obligations. $$$"

    assert found_spam_words(text) == ["act now", "$$$"]
