"""Lists as two directories print them: what is found, and how much of it is right."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from leads.file_matching import match_file
from leads.linking.clustering import cluster
from leads.linking.finding import find_matches
from leads.linking.profiles import make_profile
from tests.bench.businesses import make_rows
from tests.bench.scoring_pairs import pairwise_f1


@pytest.mark.parametrize(
    ("left_out", "bar"),
    [((), 0.98), (("website",), 0.98), (("website", "phone"), 0.95)],
)
def test_most_of_what_two_directories_share_is_found_and_little_else(left_out, bar):
    # A seed of its own: the rules were tuned on lists of other seeds.
    rows = make_rows(1_500, seed=20_261_125)
    profiles = [
        make_profile({k: v for k, v in asdict(row).items() if k not in left_out})
        for row in rows
    ]
    found = find_matches(profiles)
    score = pairwise_f1([row.truth for row in rows], found.clusters)
    assert score.f1 >= bar
    # Pairs grow with the rows, not with their square.
    assert found.compared < 40 * len(rows)


def test_no_chain_of_likenesses_joins_strangers():
    """a is like b, b is like c, but a and c are two businesses."""
    bits = {(0, 1): 6.0, (1, 2): 4.0, (0, 2): -12.0}
    pairs = [(a, b, value) for (a, b), value in bits.items() if value > 0]
    assert cluster(pairs, lambda a, b: bits[a, b]) == [[0, 1]]


def test_a_pair_that_tells_little_joins_a_group_that_tells_much():
    bits = {(0, 1): 9.0, (1, 2): 7.0, (0, 2): -1.0}
    pairs = [(a, b, value) for (a, b), value in bits.items() if value > 0]
    assert cluster(pairs, lambda a, b: bits[a, b]) == [[0, 1, 2]]


def test_two_rooms_of_one_hotel_are_two_though_they_share_nearly_everything():
    rooms = [
        {"name": name, "phone": "404/237-2700", "street": "3434 Elm Rd.", "city": "Ely"}
        for name in (
            "Grand Palace Cafe (Uptown)",
            "cafe grand palace uptown",
            "Grand Palace Dining Room (Uptown)",
            "dining room grand palace uptown",
        )
    ]
    found = find_matches([make_profile(each) for each in rooms])
    assert found.clusters == [[0, 1], [2, 3]]


def _file(tmp_path, text, name="list.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


LIST = """id,Restaurant,addr,Town,Tel.,cuisine
1,Rosa's Bakery,12 Main St.,Fairview,707/555-0123,bakery

2,Golden Spoon,9 Elm Ave.,Ely,775/555-0188,diner
3,ROSAS BAKERY,12 Main Street,Fairview,(707) 555-0123,cakes
"""


def test_the_command_prints_clusters_of_rows_below_the_header(tmp_path, capsys):
    path = _file(tmp_path, LIST)
    call_command("leads", "match", str(path), "--json", "--explain")
    found = json.loads(capsys.readouterr().out)
    assert found["clusters"] == [[1, 3]]
    assert found["rows"] == 3
    assert found["columns"] == {
        "name": "Restaurant",
        "phone": "Tel.",
        "street": "addr",
        "city": "Town",
    }
    (pair,) = found["pairs"]
    assert pair["rows"] == [1, 3]
    assert pair["reasons"] == ["same phone", "same name", "same address", "same town"]


def test_a_column_can_be_mapped_and_a_field_left_out(tmp_path):
    path = _file(tmp_path, LIST.replace("Restaurant", "Wer"))
    found = match_file(path, maps=["name=Wer", "phone="])
    assert found.columns["name"] == ["Wer"]
    assert "phone" not in found.columns
    assert found.matches.pairs[0].comparison.reasons[0] == "same name"


def test_a_file_without_header_is_read_by_its_contents(tmp_path):
    body = "".join(LIST.splitlines(keepends=True)[1:])
    found = match_file(_file(tmp_path, body), has_header=False)
    assert found.matches.clusters == [[0, 2]]


def test_a_file_that_names_nobody_is_refused(tmp_path):
    path = _file(tmp_path, "id,score\n1,2\n2,3\n")
    out = StringIO()
    with pytest.raises(CommandError, match="No column of list.csv says who"):
        call_command("leads", "match", str(path), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert (told["outcome"], told["clusters"]) == ("error", [])
    assert told["reason"].startswith("No column of list.csv says who")


def test_how_the_reading_ended_stands_beside_the_clusters(tmp_path):
    header = "name,phone\n"
    assert match_file(_file(tmp_path, header)).as_json()["outcome"] == "empty"
    assert match_file(_file(tmp_path, f"{header}A,1\n")).as_json()["reason"] == ""
    bad = match_file(_file(tmp_path, f"{header}{'x' * 200_000},1\nB,2\n")).as_json()
    assert bad["outcome"] == "partial"
    assert "can't be read" in bad["reason"]


def test_numbers_of_rows_are_those_that_csv_readers_count(tmp_path):
    path = _file(tmp_path, 'name,phone\n"Two\nlines",\n,\n"x"y,1\nRosa,7075550123\n')
    with path.open(newline="") as stream:
        expected = len(list(csv.DictReader(stream)))
    assert match_file(path).rows == expected
