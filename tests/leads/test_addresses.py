"""Which addresses outside requests may go to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fliptech_site.addresses import (
    AddressRefused,
    check_port,
    is_allowed_private,
    is_public,
    parse_target,
)

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2001:db8::1",
    "fe80::1%eth0",
    "nonsense",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_not_public_however_it_is_written(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_as_private_inside_ipv6_as_it_is_itself(address):
    inside = [
        f"::ffff:{address}",
        str(ipaddress.IPv6Address(0x64FF9B << 96 | int(address))),
    ]
    if not is_public(str(address)):
        assert not any(is_public(each) for each in inside)


@given(st.text())
def test_any_text_is_a_target_or_is_refused_with_a_sentence(text):
    try:
        target = parse_target(text)
    except AddressRefused as error:
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert target.scheme in ("http", "https")


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "javascript:alert(1)", "http://", "//a.example", "http://a:0/",
     "http://a:99999/", "http://[::1", "", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(AddressRefused):
        parse_target(url)


def test_a_name_is_compared_in_lower_case_ascii_without_the_final_dot():
    assert parse_target("HTTPS://Bücher.Example./x").origin == (
        "https://xn--bcher-kva.example:443"
    )


@pytest.mark.parametrize("port", [22, 25, 53, 445])
def test_ports_of_other_services_are_refused(port):
    with pytest.raises(AddressRefused, match="not a web server's port"):
        check_port(parse_target(f"http://a.example:{port}/"))


def test_only_listed_pairs_of_host_and_port_are_allowed_on_private_networks():
    allowed = ["*.localhost:8099", "intranet:8080"]
    assert is_allowed_private("shop.localhost", 8099, allowed)
    assert is_allowed_private("INTRANET", 8080, allowed)
    assert not is_allowed_private("shop.localhost", 8098, allowed)
    assert not is_allowed_private("localhost.evil.example", 8099, allowed)
