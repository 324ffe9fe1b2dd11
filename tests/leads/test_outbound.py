"""The client for pages of strangers, against a real server on loopback."""

from __future__ import annotations

import functools
import gzip
import socket
import threading
import time
import tracemalloc
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site import connecting, outbound
from fliptech_site.addresses import AddressRefused
from tests.leads.web import Reply


def test_a_page_is_fetched_under_its_name_and_our_own(web, settings):
    settings.CRAWLER_AGENT = "TestBot"
    settings.CRAWLER_CONTACT = "crawler@agency.example"
    answer = outbound.get(web.put("shop", "/", "<p>hello"))
    assert (answer.status, answer.text) == (200, "<p>hello")
    assert web.agents == {"TestBot/1.0 (+mailto:crawler@agency.example)"}


def test_loopback_is_refused_unless_it_is_listed(web, settings):
    url = web.put("shop", "/", "secret")
    settings.FETCH_ALLOWED_PRIVATE = []
    with pytest.raises(AddressRefused, match="FETCH_ALLOWED_PRIVATE"):
        outbound.get(url)
    assert web.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"])
def test_no_spelling_of_loopback_is_fetched(web, host):
    with pytest.raises(AddressRefused):
        outbound.get(f"http://{host}:{web.port}/")
    assert web.requests == []


def test_a_redirect_into_a_private_network_is_refused(web):
    inner = f"http://127.0.0.1:{web.port}/admin"
    url = web.put("shop", "/", status=302, headers={"Location": inner})
    with pytest.raises(AddressRefused):
        outbound.get(url)
    assert web.requests == [("shop", "/")]


def test_a_name_that_resolves_to_a_private_address_is_refused(web, monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", web.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    with pytest.raises(AddressRefused):
        outbound.get(f"http://harmless.example:{web.port}/")


def test_the_address_that_was_checked_is_the_one_connected_to(web, monkeypatch):
    """A name server may answer a public address first and a private one next."""
    looked_up = []

    def rebinding(host, port, *_, **__):
        looked_up.append(host)
        address = "93.184.215.14" if host == "rebind.example" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected = []

    def connect(address, *_):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(connecting.socket, "create_connection", connect)
    with pytest.raises(outbound.Unreachable, match="refuses connections"):
        outbound.get("http://rebind.example/")
    assert looked_up == ["rebind.example"]
    assert connected == [("93.184.215.14", 80)]


def test_localhost_names_are_never_asked_of_a_name_server(monkeypatch, settings):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    settings.FETCH_ALLOWED_PRIVATE = ["*.localhost:8099"]
    assert connecting.resolve("any.localhost", 8099) == ["127.0.0.1", "::1"]


def test_redirects_are_followed_and_told(web):
    web.put("shop", "/new", "there")
    url = web.put("shop", "/", status=301, headers={"Location": "/new#part"})
    answer = outbound.get(url)
    assert answer.text == "there"
    assert answer.redirected_from == (url,)
    assert answer.url == web.url("shop", "/new")


def test_endless_redirects_end(web):
    url = web.put("shop", "/", status=302, headers={"Location": "/"})
    with pytest.raises(outbound.TooManyRedirects):
        outbound.get(url)
    assert len(web.requests) == 6


def test_every_hop_can_be_stopped(web):
    class StopError(Exception):
        pass

    def stop(url):
        if url.endswith("/inner"):
            raise StopError

    url = web.put("shop", "/", status=302, headers={"Location": "/inner"})
    with pytest.raises(StopError):
        outbound.get(url, before_hop=stop)
    assert web.requests == [("shop", "/")]


def test_a_body_is_cut_at_the_limit(web):
    url = web.put("shop", "/", b"x" * 5000)
    answer = outbound.get(url, limits=outbound.Limits(bytes=1000))
    assert (len(answer.body), answer.is_truncated) == (1000, True)


PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": functools.partial(brotli.compress, quality=1),
    "zstd": zstd.compress,
}


@pytest.mark.parametrize("encoding", PACKED)
def test_every_encoding_that_we_ask_for_is_read(web, encoding):
    page = b"<p>hello " * 100
    url = web.put("shop", "/", PACKED[encoding](page), headers={"Content-Encoding": encoding})  # fmt: skip
    assert outbound.get(url).body == page
    assert encoding in web.encodings.pop()


@pytest.mark.parametrize("encoding", PACKED)
def test_a_compressed_bomb_is_cut_at_the_limit_and_never_unpacked(web, encoding):
    bomb = PACKED[encoding](b"0" * 100_000_000)
    url = web.put("shop", "/", bomb, headers={"Content-Encoding": encoding})
    tracemalloc.start()
    answer = outbound.get(url, limits=outbound.Limits(bytes=100_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(answer.body), answer.is_truncated) == (100_000, True)
    assert peak < 20_000_000


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_that_is_packed_badly_is_unreachable(web, encoding):
    url = web.put("shop", "/", b"<p>not packed", headers={"Content-Encoding": encoding})
    with pytest.raises(outbound.Unreachable):
        outbound.get(url)


def _drip(port_ready, chunks, stop):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port_ready.append(server.getsockname()[1])
        stop[0].set()
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            for chunk in chunks:
                try:
                    connection.sendall(chunk)
                except OSError:
                    return
                if stop[1].wait(0.05):
                    return


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"]
)
def test_a_server_that_sends_a_byte_at_a_time_holds_nobody(settings, start):
    ready, stop = [], (threading.Event(), threading.Event())
    chunks = [start, *[b"a"] * 2000]
    thread = threading.Thread(target=_drip, args=(ready, chunks, stop))
    thread.start()
    stop[0].wait(5)
    settings.FETCH_ALLOWED_PRIVATE = [f"slow.localhost:{ready[0]}"]
    began = time.monotonic()
    with pytest.raises(outbound.Unreachable, match="no whole answer within"):
        outbound.get(
            f"http://slow.localhost:{ready[0]}/", limits=outbound.Limits(seconds=0.5)
        )
    stop[1].set()
    thread.join()
    assert time.monotonic() - began < 4


def test_a_closed_port_says_so(settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings.FETCH_ALLOWED_PRIVATE = [f"shop.localhost:{port}"]
    with pytest.raises(outbound.Unreachable, match="refuses connections"):
        outbound.get(f"http://shop.localhost:{port}/")


def test_a_server_that_answers_nonsense_is_unreachable(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"\x00\xff nonsense\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        settings.FETCH_ALLOWED_PRIVATE = [f"shop.localhost:{port}"]
        with pytest.raises(outbound.Unreachable):
            outbound.get(f"http://shop.localhost:{port}/")
        thread.join()


def test_credentials_in_an_address_are_not_sent(web):
    seen = []
    web.put_function("shop", "/", lambda: seen.append(1) or Reply("x"))
    answer = outbound.get(web.url("shop").replace("http://", "http://me:secret@"))
    assert "secret" not in answer.url


@given(st.binary(), st.sampled_from([None, "text/html", "text/html; charset=punycode"]))
def test_any_bytes_decode_to_text(body, content_type):
    assert isinstance(outbound.decode(content_type, body), str)


def test_windows_text_that_calls_itself_utf8_is_read_as_what_it_is():
    body = "étagères – “great”".encode("cp1252")
    assert outbound.decode("text/html; charset=utf-8", body) == "étagères – “great”"


def test_utf8_with_one_broken_byte_stays_utf8():
    body = "étagères à voir".encode() + b"\xff"
    assert outbound.decode("text/html; charset=utf-8", body).startswith("étagères à")
