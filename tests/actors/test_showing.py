"""Progress reads well in a terminal and in a log."""

from __future__ import annotations

from io import StringIO

from actors.main_job.showing import Progress


class Terminal(StringIO):
    def isatty(self):
        return True


def run_a_stage(stream):
    progress = Progress(stream)
    progress.begin("1/4 Gather")
    progress.update("3 of 9 tasks done")
    progress.update("3 of 9 tasks done")
    progress.say("No worker gives a sign of life.")
    progress.end("15 found")
    return stream.getvalue()


def test_a_log_gets_one_line_per_stage():
    assert run_a_stage(StringIO()) == (
        "No worker gives a sign of life.\n1/4 Gather: 15 found\n"
    )


def test_a_terminal_keeps_one_line_that_counts():
    shown = run_a_stage(Terminal())

    assert shown.count("3 of 9 tasks done") == 1
    assert shown.count("\n") == 2
    assert shown.endswith("\r\x1b[2K1/4 Gather: 15 found\n")
