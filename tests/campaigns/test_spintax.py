r"""Spintax chooses for each recipient the same words for ever, and touches nothing else."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.fields import blanks
from campaigns.spintax import choose, rewrite, seed_for
from campaigns.templating import Source, render
from fliptech_site.errors import InvalidInput


def spun(html, address="bo@b.example", **lead):
    values = {**blanks(), **{f"lead.{name}": value for name, value in lead.items()}}
    seed = seed_for(1, 1, address)
    return render(Source("x", "s", html, html), values, seed=seed)


def outcomes(text, people=200):
    return {spun(text, f"bo{n}@b.example").text for n in range(people)}


def test_each_option_comes_up_and_options_nest():
    assert outcomes("{Hi|Hello|{Good day|Dear}} Bo") == {
        "Hi Bo",
        "Hello Bo",
        "Good day Bo",
        "Dear Bo",
    }


def test_a_blank_is_an_option():
    assert outcomes("Hi{ |, }Bo") == {"Hi Bo", "Hi, Bo"}


def test_an_option_may_be_empty_and_may_hold_liquid():
    text = "{|Hi{% if lead.city != blank %} {{ lead.city }}{% endif %}}"

    assert {spun(text, f"{n}@b.example", city="Oslo").text for n in range(50)} == {
        "",
        "Hi Oslo",
    }


def test_the_choice_is_the_same_on_every_machine_for_ever():
    # Written down: changing the choice would change mails between two attempts.
    assert choose("k724b1ca22c0a2d75", seed_for(7, 1, "bo@b.example"), 3) == 2
    assert seed_for(7, 1, "bo@b.example").hex() == "6d95c9530c8c5c18380ab726f8c42330"


def test_options_come_up_about_equally_often():
    counts = Counter(
        choose("k1", seed_for(1, 1, f"{n}@b.example"), 4) for n in range(4000)
    )

    assert all(850 < count < 1150 for count in counts.values())


def test_the_html_and_the_text_say_the_same_words():
    for n in range(20):
        made = spun("{Hi|Hello|Dear} {all|you}", f"{n}@b.example")
        assert made.html == made.text


@pytest.mark.parametrize(
    "text",
    [
        "<style>a{color:red}b{x:y|z}</style>",
        "<script>x={a:1|2}</script>",
        "<!-- {a|b} -->",
        '<a title="{a|b}" href="https://x.example/{c|d}">x</a>',
        '<p data-x="{% if 2 > 1 %}{a|b}{% endif %}">x</p>',
        '{"a": {"b": [1, 2]}}',
        "{one option only} { } }{",
        "{% raw %}{a|b}{% endraw %}",
        "1 < 2 and a | b",
    ],
)
def test_css_json_and_tags_of_html_stay_as_they_are(text):
    bare = text
    for tag in ("{% raw %}", "{% endraw %}", "{% endif %}"):
        bare = bare.replace(tag, "")
    bare = bare.replace("{% if 2 > 1 %}", "")

    assert spun(text).html == bare


def test_escaped_braces_and_bars_are_the_characters_themselves():
    assert spun(r"\{a\|b\} {\{|\{} \}").text == "{a|b} { }"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a\n{b|c", r"line 2: '{' begins options that are never closed"),
        ("{a|{b|c}", "never closed"),
        ("{a{% if lead.city %}|b}{% endif %}", "hold a piece of a Liquid block"),
        ("{% if lead.city %}{a{% endif %}|b}", "hold a piece of a Liquid block"),
    ],
)
def test_spintax_that_is_cut_is_refused_with_its_line(text, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        rewrite(text, is_html=True)


def test_lonely_braces_are_told_with_their_lines():
    assert rewrite("a }\nb {\nc {d|e}", is_html=False).lonely == [1, 2]


@st.composite
def trees(draw, depth=3):
    """A text as a list of words and lists of options."""
    word = st.text(alphabet="ab .é", max_size=5)
    if depth == 0:
        return [draw(word)]
    options = st.lists(trees(depth=depth - 1), min_size=2, max_size=3)
    return draw(st.lists(word | options.map(tuple), max_size=4))


def written(tree):
    return "".join(
        part if isinstance(part, str) else f"{{ {'|'.join(map(written, part))}}}"
        for part in tree
    )


def ends(tree, text, starts):
    """Where a reading of the tree may end in the text, from any of the starts."""
    for part in tree:
        if isinstance(part, str):
            starts = {n + len(part) for n in starts if text.startswith(part, n)}
        else:
            # `written` sets a blank before the first option.
            first, *others = part
            starts = ends([" ", *first], text, starts).union(
                *(ends(option, text, starts) for option in others)
            )
    return starts


@given(tree=trees(), who=st.text(max_size=10))
def test_what_comes_out_is_one_reading_of_the_tree(tree, who):
    made = spun(written(tree), who).text

    assert len(made) in ends(tree, made, {0})
    assert made == spun(written(tree), who).text


@given(text=st.text(alphabet="{}|\\%ab<>\"' \n-!", max_size=80), is_html=st.booleans())
def test_any_text_is_rewritten_or_refused_with_its_line(text, is_html):
    lines = text.count("\n") + 1
    try:
        told = rewrite(text, is_html=is_html).lonely
    except InvalidInput as refusal:
        told = [int(str(refusal).removeprefix("line ").partition(":")[0])]

    assert all(1 <= line <= lines for line in told)
