"""JSON as pages carry it: read whole, put right without doubt, or named as broken."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.json_blocks import read_json_block

GOOD = '{"@type": "Dentist", "name": "Bay"}'
THING = json.loads(GOOD)


@pytest.mark.parametrize(
    "text",
    [GOOD, f"[{GOOD}]", f" \ufeff{GOOD};\n", f"{GOOD}{GOOD}", f"{GOOD},{GOOD}"],
)
def test_what_is_json_is_read_as_it_stands(text):
    block = read_json_block(text)
    assert block.state == "ok"
    assert json.dumps(THING) in json.dumps(block.values)


@pytest.mark.parametrize(
    "text",
    [
        f"<!-- {GOOD} -->",
        f"<!-- our shop -->\n{GOOD}",
        f"//<![CDATA[\n{GOOD}\n//]]>",
        f"/*<![CDATA[*/{GOOD}/*]]>*/",
        f"<!--//--><![CDATA[//><!--\n{GOOD}\n//--><!]]>",
        f"// our shop\n{GOOD}",
        f"<br />\n<b>Warning</b>: Undefined x in y.php on line 3<br />\n{GOOD}",
        json.dumps(GOOD),
        f"var shop = {GOOD};",
        f"{GOOD}}}",
        GOOD.replace("}", ",}"),
        GOOD.replace(",", ", /* its name */"),
        GOOD.replace(",", ",,"),
        GOOD.replace(", ", " "),
        GOOD.replace('"', "&quot;"),
    ],
)
def test_faults_that_leave_no_doubt_are_put_right(text):
    block = read_json_block(text)
    assert (block.state, block.values) == ("repaired", [THING])
    assert block.repair


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "it\\\'s"}', {"a": "it's"}),
        ('{"a": "C:\\x"}', {"a": "C:\\x"}),
        ('{"a": "see http://b.example // now",}', {"a": "see http://b.example // now"}),
        ('{"a": "Joe "Best" Pizza", "b": 1}', {"a": 'Joe "Best" Pizza', "b": 1}),
        ('{"a": "x, y", }', {"a": "x, y"}),
    ],
)
def test_what_stands_inside_strings_is_kept(text, value):
    assert read_json_block(text).values == [value]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (f"{GOOD}\n{GOOD[:-9]}", [THING]),
        ('{"@type": "Dentist", "name": "Bay", "tele', [THING]),
        (f'{{"@graph": [{GOOD}, {{"@ty', [{"@graph": [THING, {}]}]),
    ],
)
def test_of_a_block_that_is_cut_the_whole_members_stay(text, values):
    block = read_json_block(text)
    assert (block.state, block.values) == ("partial", values)
    assert block.fault.startswith("Line ")


@pytest.mark.parametrize("text", ["", "null", "7", "not json", '{"a": }', "["*9000])  # fmt: skip
def test_what_is_no_json_is_broken_and_says_why(text):
    block = read_json_block(text)
    assert (block.state, block.values) == ("broken", [])
    assert block.fault.endswith(".")


def test_numbers_beyond_measure_are_none():
    assert read_json_block('{"a": NaN, "b": 1e999}').values == [{"a": None, "b": None}]


@given(st.text(alphabet='{}[]":,ab1\\/*<!->&quot; \n'))
def test_any_text_is_a_block_that_can_be_written_again(text):
    block = read_json_block(text)
    assert block.state in ("ok", "repaired", "partial", "broken")
    json.dumps(block.values, allow_nan=False)


@given(st.recursive(st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))  # fmt: skip
def test_good_json_is_never_changed(value):
    assert read_json_block(json.dumps([value])).values == [[value]]


@pytest.mark.parametrize(
    "text",
    [
        "{'a': 'it\\'s \"1\"', 'url': 'https://a.example'}",
        """{a: "it's \\"1\\"", url: 'https://a.example', b: undefined}""",
        '{\xa0"a":\xa0"it\'s \\"1\\"", "url": "https://a.example"}',
        "{\u201ca\u201d: \u201cit's 1\u201d, \u201curl\u201d: \u201chttps://a.example\u201d}",
    ],
)
def test_objects_of_scripts_and_editors_are_read(text):
    block = read_json_block(text)
    assert (block.state, len(block.values)) == ("repaired", 1)
    assert block.values[0]["url"] == "https://a.example"
    assert block.values[0]["a"].startswith("it's")
