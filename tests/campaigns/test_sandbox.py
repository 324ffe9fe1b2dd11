"""The box that templates run in holds: whatever they ask for ends soon and is small."""

from __future__ import annotations

import resource
import time

import pytest

from campaigns.fields import examples
from campaigns.sandbox import MAX_SECONDS, environment
from campaigns.templating import Source, check, render
from fliptech_site.errors import InvalidInput

LOOP = "{% for i in (1..900) %}"
END = "{% endfor %}"
#: CPU seconds: parsing has limits of its own before the clock of rendering starts.
ENDS_WITHIN = MAX_SECONDS + 1.0

HOSTILE = {
    "a giant range": "{% for i in (1..100000000) %}a{% endfor %}",
    "a giant range backwards": "{% for i in (1..100000000) reversed %}a{% endfor %}",
    "a range that is worked out": (
        "{% assign x = 1000000000 %}{% for i in (1..x) reversed %}a{% endfor %}"
    ),
    "a giant range joined": "{% assign x = (1..1000000000) %}{{ x | join: ',' }}",
    "loops in loops": f"{LOOP}{LOOP}a{END}{END}",
    "a loop of many small loops": (
        LOOP + "{% for j in (1..1) %}{% endfor %}" * 900 + END
    ),
    "a loop of many conditions": LOOP + "{% if 1 == 1 %}{% endif %}" * 900 + END,
    "loops after loops": "{% for i in (1..1000) %}{% endfor %}" * 950,
    "a text that doubles": (
        f"{{% assign x = 'aaaa' %}}{LOOP}{{% assign x = x | append: x %}}{END}"
    ),
    "a number that squares": (
        f"{{% assign x = 9 %}}{LOOP}{{% assign x = x | times: x %}}{END}{{{{ x }}}}"
    ),
    "replacing again and again": (
        "{{ 'a'" + " | replace: 'a', 'aaaaaaaaaaaaaaaa'" * 12 + " }}"
    ),
    "much output": f"{LOOP}{'y' * 1000}{END}",
    "deep nesting": "{% if true %}" * 200 + "{% endif %}" * 200,
    "deep spintax": "{a|b" * 20 + "}" * 20,
    "splitting and joining": (
        "{% assign a = '"
        + "a " * 400
        + f"' | split: ' ' %}}{LOOP}"
        + "{% assign b = a | join: 'xxxxxxxxxxxxxxxx' | split: 'x' %}"
        + END
    ),
    "a list that is too long": (
        "{% capture x %}{% for i in (1..1000) %}a b {% endfor %}{% endcapture %}"
        "{% assign all = x | split: ' ' %}{{ all | join: ',' }}"
    ),
    "many fields that are never closed": "{{" * 50_000,
    "many tags that are never closed": "{%" * 50_000,
    "many raws that are never closed": "{% raw %}" * 11_000,
    "a field of blanks": "{{" + " " * 90_000 + "}}",
    "a field of many filters": "{{ 'a' " + "| upcase " * 10_000 + "}}",
    "a condition without end": "{% if " + "true and " * 9000 + "true %}a{% endif %}",
    "more fields than anybody needs": "{{ lead.name }}" * 6000,
    "spintax that is never closed": "{|" * 50_000,
}


def most_memory():
    """The most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_ends_in_one_sentence_in_time(text):
    started, held = time.thread_time(), most_memory()

    with pytest.raises(InvalidInput) as refusal:
        check(Source("x", "s", text))

    assert time.thread_time() - started < ENDS_WITHIN
    assert str(refusal.value).startswith("Template 'x': the HTML body")
    assert "\n" not in str(refusal.value)
    # A reversed giant range alone would take gigabytes.
    assert most_memory() - held < 100


BORDERLINE = {
    "tags of HTML that are never closed": "<a" * 50_000,
    "comments that are never closed": "<!--" * 25_000,
    "styles that are never closed": "<style>" * 14_000,
    "as many fields as are allowed": "{{ lead.name }}" * 1990,
    "as many spins as fit": "{a|b}" * 1990,
    "a date with a giant width": "{{ 'now' | date: '%" + "9" * 300 + "d' }}",
    "a giant cut": "{{ 'a' | truncate: 999999999 }}",
}


@pytest.mark.parametrize("text", BORDERLINE.values(), ids=BORDERLINE.keys())
def test_an_odd_but_harmless_template_is_made_in_time(text):
    started = time.thread_time()

    check(Source("x", "s", text))

    assert time.thread_time() - started < ENDS_WITHIN


def test_the_box_holds_no_tag_that_reads_and_no_filter_that_trusts():
    for autoescape in (True, False):
        box = environment(autoescape)
        assert not {"include", "render", "liquid", "tablerow"} & set(box.tags)
        assert not {"safe", "uniq", "map", "where", "sum"} & set(box.filters)


class SlowAtFirst:
    """A value during whose first reading a collection of garbage happens to begin."""

    def __init__(self, slow_readings: int) -> None:
        self.slow_readings = slow_readings

    def __str__(self) -> str:
        if self.slow_readings:
            self.slow_readings -= 1
            ends_at = time.thread_time() + MAX_SECONDS + 0.1
            while time.thread_time() < ends_at:
                pass
        return "Bakery"


def test_a_pause_that_is_not_the_templates_fault_fails_no_mail():
    source = Source("x", "s", "{{ lead.name }} {{ lead.city | upcase }}")
    values = examples() | {"lead.name": SlowAtFirst(1)}

    assert render(source, values).html.startswith("Bakery ")

    with pytest.raises(InvalidInput, match="too much time"):
        render(source, values | {"lead.name": SlowAtFirst(2)})


def test_a_good_template_takes_a_fraction_of_its_time():
    text = "<p>{Hi|Hello} {{ lead.name | default: 'there' }},</p>" * 20
    check(Source("x", "s", text))
    started = time.thread_time()

    check(Source("x", "s", text))

    assert time.thread_time() - started < MAX_SECONDS / 5
