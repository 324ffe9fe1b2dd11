from __future__ import annotations

import socket

from deploy.local.ports import PortBook, accepts, is_free, next_free


def test_a_taken_port_is_passed_over():
    assert next_free(8000, free=lambda port: port >= 8003) == 8003


def test_a_port_promised_to_another_process_is_passed_over():
    assert next_free(8000, taken=[8000, 8001], free=lambda _: True) == 8002


def test_a_port_somebody_listens_on_is_not_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert accepts(port)
    assert is_free(port)
    assert not accepts(port)


def test_the_next_start_takes_the_same_port_again(tmp_path):
    path = tmp_path / "ports.json"
    first = PortBook(path).choose("web", 18_000)
    assert PortBook(path).choose("web", 18_000) == first


def test_two_names_never_share_a_port(tmp_path):
    book = PortBook(tmp_path / "ports.json")
    assert book.choose("web", 18_000) != book.choose("sample", 18_000)
