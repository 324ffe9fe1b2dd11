from __future__ import annotations

import io
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.logs import LastLine, LogTail
from deploy.local.testing import Result, settings_for_tests, stages, summary_of


def test_the_last_summary_of_pytest_is_found_in_its_output():
    output = (
        b"===== test session starts =====\n"
        b"===== short test summary info =====\n"
        b"===== 2 failed, 40 passed in 9.19s =====\n"
    )
    assert summary_of(output) == "===== 2 failed, 40 passed in 9.19s ====="
    assert summary_of(b"All checks passed!\n") == ""


def test_no_tests_is_a_failure_of_the_tests_and_none_of_the_faults():
    verdicts = {
        stage.name: Result(stage, code=5, seconds=1).passed for stage in stages()
    }
    assert verdicts["tests: faults"]
    assert not verdicts["tests"]


def test_no_setting_of_the_person_leaks_into_the_tests():
    given = {
        "PATH": "/bin",
        "TEST_MODE": "off",
        "SECRET_KEY_FILE": "/x",
        "RABBITMQ_URL": "amqp://localhost",
    }
    names = {"TEST_MODE", "SECRET_KEY", "RABBITMQ_URL", "DATABASE_URL"}
    settings = settings_for_tests(given, names, Path("/srv/run"))
    assert "TEST_MODE" not in settings
    assert "SECRET_KEY_FILE" not in settings
    assert settings["PATH"] == "/bin"
    assert settings["RABBITMQ_URL"] == "amqp://localhost"
    assert len(settings["SECRET_KEY"]) >= 50


def test_only_warnings_and_errors_of_a_child_reach_the_screen_and_each_once(tmp_path):
    log = tmp_path / "workers.log"
    log.write_text("2026 ERROR of the last run\n")
    tail = LogTail("workers", log)
    with log.open("a") as child:
        child.write("2026 INFO all is well\n2026 WARNING a mail is in dou")
        child.flush()
        assert tail.important_lines() == []
        child.write("bt\n")
        child.flush()
        (line,) = tail.important_lines()
    assert "workers | 2026 WARNING a mail is in doubt" in line
    assert tail.important_lines() == []


def test_a_flood_of_errors_is_counted_instead_of_shown(tmp_path):
    log = tmp_path / "workers.log"
    tail = LogTail("workers", log)
    log.write_text("ERROR again\n" * 100)
    lines = tail.important_lines()
    assert len(lines) < 10
    assert "95 more" in lines[-1]


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_the_last_line_comes_out_last_and_nothing_gets_lost(tmp_path_factory, parts):
    path = tmp_path_factory.mktemp("output") / "main-job.log"
    path.touch()
    target = io.BytesIO()
    lines = LastLine(path, target)
    for part in parts:
        with path.open("ab") as output:
            output.write(part)
        lines.pass_on()
        assert b"".join(parts).startswith(target.getvalue())
    before = target.getvalue()
    lines.finish()
    assert target.getvalue() == b"".join(parts)
    held = target.getvalue()[len(before) :]
    assert b"\n" not in held.rstrip(b"\n")
