from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasoat.foundation.errors import InputError
from rasoat.notifications.channels.guard import AddressGuard
from rasoat.notifications.model import PermanentFailure, TemporaryFailure


def leading_to(*addresses, allow=(), networks=()):
    return AddressGuard(allow, networks, resolve=lambda host, port: list(addresses))


OFF_LIMITS = {
    "loopback": ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"],
    "private": ["10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"],
    "link_local": ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"],
}
ALWAYS = ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1"]  # noqa: S104 - addresses to refuse
PUBLIC = ["203.162.0.1", "8.8.8.8", "2402:800::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached_and_is_the_one_given_back(address):
    assert leading_to(address, "8.8.4.4").check("example.vn", 443) == address


@pytest.mark.parametrize(("where", "address"), [(where, a) for where, group in OFF_LIMITS.items() for a in group])
def test_other_neighbourhoods_are_reached_only_where_allowed(where, address):
    with pytest.raises(PermanentFailure, match=where):
        leading_to(address).check("example.vn", 443)
    assert leading_to(address, allow=(where,)).check("example.vn", 443) == address
    others = set(OFF_LIMITS) - {where}
    with pytest.raises(PermanentFailure):
        leading_to(address, allow=others).check("example.vn", 443)


@pytest.mark.parametrize("address", ALWAYS)
def test_addresses_nobody_lives_at_are_refused_whatever_is_allowed(address):
    with pytest.raises(PermanentFailure):
        leading_to(address, allow=OFF_LIMITS).check("example.vn", 443)


@pytest.mark.parametrize(
    "address", ["::127.0.0.1", "::8.8.8.8", "::ffff:0:7f00:1", "64:ff9b:1::7f00:1", "fec0::1", "4000::1", "100::1"]
)
def test_an_ipv6_address_outside_global_unicast_is_no_public_one(address):
    with pytest.raises(PermanentFailure, match="off limits"):
        leading_to(address, allow=OFF_LIMITS).check("example.vn", 443)


@given(st.ip_addresses(v=6).filter(lambda a: a not in ipaddress.ip_network("2000::/3")))
def test_what_was_not_given_out_as_unicast_is_reached_only_by_the_address_it_wraps(address):
    wrapped = address.ipv4_mapped or (
        ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in ipaddress.ip_network("64:ff9b::/96") else None
    )
    if wrapped is None:
        with pytest.raises(PermanentFailure):
            leading_to(str(address)).check("example.vn", 443)


def test_plain_http_can_be_kept_to_the_neighbourhood():
    def guard(address):
        return AddressGuard((), ("10.20.0.0/16",), resolve=lambda host, port: [address], plain_abroad=False)

    guard("10.20.1.9").check_url("http://relay.example/")
    guard("8.8.8.8").check_url("https://example.vn/")
    with pytest.raises(PermanentFailure, match="https"):
        guard("8.8.8.8").check_url("http://example.vn/")


def test_a_name_with_one_address_off_limits_is_refused_whole():
    with pytest.raises(PermanentFailure):
        leading_to("8.8.8.8", "10.0.0.1").check("example.vn", 443)


def test_a_sixtofour_address_is_judged_by_the_address_it_wraps():
    with pytest.raises(PermanentFailure):
        leading_to("2002:7f00:1::1", allow=("private",)).check("example.vn", 443)


def test_a_single_network_can_be_allowed():
    guard = leading_to("10.20.1.9", networks=("10.20.0.0/16",))
    assert guard.check("relay", 25) == "10.20.1.9"
    with pytest.raises(PermanentFailure):
        leading_to("10.21.1.9", networks=("10.20.0.0/16",)).check("relay", 25)


@given(st.ip_addresses(v=4))
def test_exactly_the_global_unicast_addresses_pass(address):
    guard = leading_to(str(address))
    if address.is_global and not address.is_multicast:
        assert guard.check("example.vn", 443) == str(address)
    else:
        with pytest.raises(PermanentFailure):
            guard.check("example.vn", 443)


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_in_ipv6_opens_nothing(address):
    def passes(written):
        try:
            leading_to(written).check("example.vn", 443)
        except PermanentFailure:
            return False
        return True

    mapped = ipaddress.IPv6Address(f"::ffff:{address}")
    assert passes(str(mapped)) == passes(str(address))


@pytest.mark.parametrize("host", ["", "/run/smtp.sock", "unix\x00"])
def test_a_unix_socket_or_nothing_is_no_host(host):
    with pytest.raises(PermanentFailure):
        leading_to("8.8.8.8").check(host, 25)


def test_a_name_that_does_not_resolve_is_tried_again_later():
    def failing(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    for resolve in (failing, lambda host, port: []):
        with pytest.raises(TemporaryFailure) as caught:
            AddressGuard(resolve=resolve).check("example.vn", 443)
        assert caught.value.endpoint


def test_the_systems_resolver_is_used_by_default():
    assert AddressGuard(("loopback",)).check("127.0.0.1", 80) == "127.0.0.1"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.vn/",
        "file:///etc/passwd",
        "http+unix://%2Frun%2Fdocker.sock/",
        "https://user:pass@example.vn/",
        "https://example.vn:99999/",
        "https:///path",
        "https://[::1/",
        "example.vn/hook",
    ],
)
def test_an_address_that_is_not_a_plain_web_address_is_refused(url):
    with pytest.raises(PermanentFailure):
        leading_to("8.8.8.8").check_url(url)


def test_the_scheme_decides_the_port_that_is_resolved():
    asked = []
    guard = AddressGuard(resolve=lambda host, port: asked.append((host, port)) or ["8.8.8.8"])
    for url in ("https://example.vn/x", "http://example.vn/x", "https://example.vn:8443/x"):
        parts, address = guard.check_url(url)
        assert (parts.hostname, address) == ("example.vn", "8.8.8.8")
    assert asked == [("example.vn", 443), ("example.vn", 80), ("example.vn", 8443)]


@pytest.mark.parametrize("wrong", [{"allow": ("intranet",)}, {"networks": ("10.0.0.1/8",)}])
def test_a_guard_that_is_misspelt_is_refused(wrong):
    with pytest.raises(InputError):
        AddressGuard(**wrong)
