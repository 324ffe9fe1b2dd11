"""Group commit: shared statements, answers of one's own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DataError, OperationalError

from tasks.grouping import LIMIT, Group


class Statement:
    """Stands for a shared statement; the first one waits until it is let go."""

    def __init__(self):
        self.sizes = []
        self.started, self.may_go = threading.Event(), threading.Event()
        self.error = None

    def __call__(self, requests):
        self.sizes.append(len(requests))
        self.started.set()
        assert self.may_go.wait(10)
        if self.error and "bad" in requests:
            raise self.error
        return [f"{request}!" for request in requests]


@pytest.fixture
def statement():
    return Statement()


@pytest.fixture
def ask_while_busy(statement):
    """Ask for many while the first statement is on its way; return their futures."""
    group = Group(statement, "trial")
    with ThreadPoolExecutor(100) as pool:

        def ask(requests):
            first = pool.submit(group.ask, "first")
            assert statement.started.wait(10)
            futures = [pool.submit(group.ask, request) for request in requests]
            while group._waiting.qsize() < len(requests):
                assert statement.started.wait(10)
            statement.may_go.set()
            return first, futures

        yield ask


def test_a_lone_request_waits_for_no_group(statement):
    statement.may_go.set()
    assert Group(statement, "trial").ask("a") == "a!"
    assert statement.sizes == [1]


def test_those_who_come_meanwhile_share_the_next_statement(ask_while_busy, statement):
    first, futures = ask_while_busy([str(number) for number in range(8)])
    assert first.result(10) == "first!"
    assert [one.result(10) for one in futures] == [f"{number}!" for number in range(8)]
    assert statement.sizes == [1, 8]


def test_a_group_has_a_limit(ask_while_busy, statement):
    _, futures = ask_while_busy(["x"] * (LIMIT + 1))
    assert {one.result(10) for one in futures} == {"x!"}
    assert statement.sizes == [1, LIMIT, 1]


def test_one_bad_request_spoils_only_its_own_answer(ask_while_busy, statement):
    statement.error = DataError("no such thing")
    _, (good, bad, better) = ask_while_busy(["good", "bad", "better"])
    assert (good.result(10), better.result(10)) == ("good!", "better!")
    with pytest.raises(DataError):
        bad.result(10)


def test_a_server_that_is_away_is_told_to_all_at_once(ask_while_busy, statement):
    statement.error = OperationalError("gone")
    _, futures = ask_while_busy(["good", "bad"])
    assert [type(one.exception(10)) for one in futures] == [OperationalError] * 2
    assert statement.sizes == [1, 2], "nobody asks a server again that is away"


def test_after_an_error_nobody_foresaw_the_group_goes_on():
    def perform(requests):
        if requests == ["bad"]:
            raise KeyError("bad")
        return requests

    group = Group(perform, "trial")
    with pytest.raises(KeyError):
        group.ask("bad")
    assert group.ask("good") == "good"
