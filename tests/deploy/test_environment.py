from __future__ import annotations

import shlex
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.environment import (
    add_sample_settings,
    add_secrets,
    parse_env,
    var_folder,
)
from deploy.local.ports import PortBook
from deploy.local.screen import LaunchError

names = st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True)
values = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=40
)


@given(st.dictionaries(names, values))
def test_what_a_shell_would_quote_is_read_back_as_it_was(settings):
    text = "\n".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())
    assert parse_env(text) == settings


def test_comments_blank_lines_and_export_are_understood():
    text = "# a remark\n\nexport A=1\nB='two words' # said aloud\nC=\n"
    assert parse_env(text) == {"A": "1", "B": "two words", "C": ""}


@pytest.mark.parametrize("line", ["A", "A=two words", "A='open", "a b=c", "=x"])
def test_a_line_that_can_not_be_read_is_named(line):
    with pytest.raises(LaunchError, match=r"\.env, line 2: .* Write NAME=value"):
        parse_env(f"OK=1\n{line}\n")


def test_keys_stay_the_same_and_belong_to_their_owner(tmp_path):
    first = add_secrets({}, tmp_path)
    content = (tmp_path / "secret_key").read_text()
    second = add_secrets({}, tmp_path)
    assert first == second
    assert (tmp_path / "secret_key").read_text() == content
    assert len(content.strip()) >= 50
    for name in ("secret_key", "field_keys"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_key_of_the_persons_own_is_not_replaced(tmp_path):
    added = add_secrets({"SECRET_KEY": "mine", "FIELD_KEYS_FILE": "/x"}, tmp_path)
    assert added == {"SECRET_KEY": "mine", "FIELD_KEYS_FILE": "/x"}
    assert list(tmp_path.iterdir()) == []


def test_the_sample_territory_is_the_only_private_place_that_may_be_fetched(tmp_path):
    settings = add_sample_settings({}, PortBook(tmp_path / "ports.json"))
    port = settings["SAMPLE_PORT"]
    assert settings["FETCH_ALLOWED_PRIVATE"] == f"*.localhost:{port}"
    assert settings["CRAIGSLIST_URL"] == f"http://craigslist.localhost:{port}"
    assert settings["WEB_BIND"].startswith("127.0.0.1:")
    assert settings["PUBLIC_URL"].endswith(settings["WEB_BIND"].partition(":")[2])


def test_what_the_person_set_wins_over_the_sample(tmp_path):
    mine = {"CRAIGSLIST_URL": "https://www.craigslist.org", "SAMPLE_PORT": "9100"}
    settings = add_sample_settings(mine, PortBook(tmp_path / "ports.json"))
    assert settings["CRAIGSLIST_URL"] == "https://www.craigslist.org"
    assert settings["FETCH_ALLOWED_PRIVATE"] == "*.localhost:9100"


def test_a_folder_that_can_not_be_written_is_named_with_what_to_do(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(LaunchError, match="set VAR_DIR to a folder of your own"):
        var_folder(tmp_path, {"VAR_DIR": str(in_the_way / "var")})
