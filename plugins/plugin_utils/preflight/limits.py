# SPDX-License-Identifier: Apache-2.0
"""What the value of an option may be beyond its type, as each role declares it in ``meta/limits.yml``. Pure.

An entry of that file has one or more of these keys, or ``free`` with the reason why any value will do:

``format``
    A name of :data:`FORMATS`; for a list, that of its items.
``minimum``, ``maximum``
    Bounds of a number, or of a size or duration in the notation of its format.
``empty``
    Whether the value, or the list item, may also be empty.
``hosts``
    On how many hosts, at most, the containers of a ``*_group`` may run, with ``because`` saying why, and ``unless`` naming an option
    that lifts this limit where it is set.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common.dataclass_spec import show

Limit = t.Mapping[str, t.Any]

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_ENDPOINT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d+)")
_NAME = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_INTERFACE = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}"
_PHYSICAL = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_COMPONENT = r"[a-z0-9]+((\.|__?|-+)[a-z0-9]+)*"
_REGISTRY = r"(([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+(:\d+)?|[A-Za-z0-9-]+:\d+|localhost|\[[0-9a-fA-F:]+\](:\d+)?)/"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_PREFIX = re.compile(rf"({_REGISTRY})?({_COMPONENT}/)*([a-z0-9]+([._-]+[a-z0-9]+)*[._-]*)?")
_SIZE = re.compile(r"(\d+)([kKmMgGtT]?)")
_RABBITMQ_SIZE = re.compile(r"(\d+)(?:([kKmMgG])([iI]?)[bB]?)?")
_DURATION = re.compile(r"(?=\d)(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_SECONDS = (31536000, 604800, 86400, 3600, 60, 1, 0.001)


@dataclasses.dataclass(frozen=True)
class Format:
    """How a value is written: ``accepts`` says of a text whether it is, ``measure`` what it amounts to."""

    expected: str
    accepts: t.Callable[[str], object]
    measure: t.Callable[[str], float] | None = None


def host_name(text: str) -> bool:
    """Return whether *text* is a name of a host in DNS; underscores, which hosts in the field have, are accepted too."""
    return bool(_HOST.fullmatch(text)) and not text.replace(".", "").isdigit()


def host_or_ipv4(text: str) -> bool:
    """Return whether *text* can be what a host is called in an inventory."""
    return host_name(text) or _address(text)


def abridged(name: str) -> str:
    """Return as much of a *name* as helps to find it; one that is long may be a secret that was read as a name."""
    return name if len(name) <= 16 else f"{name[:12]}..."


def _address(text: str) -> bool:
    return _parses(ipaddress.IPv4Address, text)


def _parses(kind: t.Callable[[str], object], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _host_or_address(text: str) -> bool:
    return host_name(text) or _parses(ipaddress.ip_address, text)


def _endpoint(text: str) -> bool:
    found = _ENDPOINT.fullmatch(text)
    return found is not None and _host_or_address(found[1].strip("[]")) and 0 < int(found[2]) < 65536


def _registry(text: str) -> bool:
    return _endpoint(text) or _host_or_address(text) or _parses(ipaddress.ip_network, text)


def _connections(text: str) -> bool:
    parts = [part.partition(":") for part in text.split(",")]
    return all(method in ("tcp", "ssl") and _endpoint(rest) for method, _colon, rest in parts)


def _expression(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _bytes(text: str) -> float:
    number, unit = t.cast("re.Match[str]", _SIZE.fullmatch(text)).groups()
    return float(number) * 1024.0 ** " kmgt".index(unit.lower() or " ")


def _rabbitmq_bytes(text: str) -> float:
    number, unit, binary = t.cast("re.Match[str]", _RABBITMQ_SIZE.fullmatch(text)).groups()
    return float(number) * (1024.0 if binary else 1000.0) ** " kmg".index((unit or " ").lower())


def _seconds(text: str) -> float:
    numbers = t.cast("re.Match[str]", _DURATION.fullmatch(text)).groups()
    return sum(int(number or 0) * seconds for number, seconds in zip(numbers, _SECONDS, strict=True))


def _matches(pattern: str) -> t.Callable[[str], object]:
    return re.compile(pattern).fullmatch


#: Ways in which values are written, by name.
FORMATS: dict[str, Format] = {
    "name": Format("up to 63 letters, digits, '_', '.' and '-', the first and the last a letter or a digit", _matches(_NAME)),
    "line": Format("text without line breaks", _matches(r"[^\x00-\x1f\x7f]+")),
    "host_name": Format("the name or the address of a host, such as cloud.example.org", _host_or_address),
    "allowed_host": Format(
        "a name, an address, or a domain such as .example.org",
        lambda text: text == "*" or _host_or_address(text.removeprefix(".").strip("[]")),
    ),
    "dns_domain": Format("a domain such as cloud.internal", host_name),
    "ip_address": Format("an address such as 192.0.2.11 or 2001:db8::11", lambda text: _parses(ipaddress.ip_address, text)),
    "ipv4_address": Format("an IPv4 address such as 192.0.2.11", _address),
    "ipv4_network": Format("an IPv4 network such as 192.0.2.0/24", lambda text: _parses(ipaddress.IPv4Network, text)),
    "ipv4_interface": Format(
        "an IPv4 address with its prefix length, such as 198.51.100.1/24", lambda text: _parses(ipaddress.IPv4Interface, text)
    ),
    "host_port": Format("host:port, such as alerts.example.org:9093", _endpoint),
    "registry": Format("host, host:port or a network, such as 192.0.2.10:5000", _registry),
    "url": Format("a URL that begins with http:// or https://", _matches(r"https?://[^\s/]\S*")),
    "engine_url": Format(
        "the address of an engine, unix:///PATH or tcp://HOST:PORT, such as unix:///var/run/docker.sock",
        lambda text: re.fullmatch(r"unix:///[^\s:]+", text) or (text.startswith("tcp://") and _endpoint(text.removeprefix("tcp://"))),
    ),
    "ovsdb_connection": Format("tcp:ADDRESS:PORT, several joined by commas, such as tcp:192.0.2.11:6641", _connections),
    "interface": Format("the name of a network interface: up to 15 letters, digits, '_', '.' and '-'", _matches(_INTERFACE)),
    "bridge_mappings": Format(
        "pairs NETWORK:BRIDGE joined by commas without blanks, such as physnet1:br-ex",
        _matches(rf"{_PHYSICAL}:{_INTERFACE}(,{_PHYSICAL}:{_INTERFACE})*"),
    ),
    "physical_network": Format("the name of a physical network, such as physnet1", _matches(_PHYSICAL)),
    "physical_networks": Format(
        "names joined by commas, such as physnet1,physnet2, or '*'", _matches(rf"\*|{_PHYSICAL}( *, *{_PHYSICAL})*")
    ),
    "host_path": Format("an absolute path without ':'", _matches(r"/[^:\x00-\x1f\x7f]*")),
    "file": Format("a path", _matches(r"[^\x00-\x1f\x7f]+")),
    "image_prefix": Format(
        "lower-case path components, such as registry.example.org:5000/caisson/, with '/' last",
        lambda text: _PREFIX.fullmatch(text) and (not text or text[-1] in "/._-"),
    ),
    "cpus": Format("processors with commas and ranges, such as 0-3,8", _matches(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*")),
    "cpu_model": Format("the name of a CPU model, such as Skylake-Server", _matches(r"[A-Za-z0-9][A-Za-z0-9_.-]*")),
    "image_tag": Format("up to 128 letters, digits, '_', '.' and '-'", _matches(_TAG)),
    "image": Format(
        "an image reference such as docker.io/library/debian:trixie",
        _matches(rf"({_REGISTRY})?{_COMPONENT}(/{_COMPONENT})*(:{_TAG})?(@sha256:[0-9a-f]{{64}})?"),
    ),
    "package": Format("a Debian package, such as docker.io, or docker-ce=VERSION", _matches(r"[a-z0-9][a-z0-9+.-]+(=[A-Za-z0-9.+~:-]+)?")),
    "expression": Format("a regular expression", _expression),
    "mariadb_size": Format("a size such as 512M or 2G", _SIZE.fullmatch, _bytes),
    "rabbitmq_size": Format("a size such as 512MB or 2GiB", _RABBITMQ_SIZE.fullmatch, _rabbitmq_bytes),
    # Nova's template of a cell's URL takes a slash for more than one part
    "rabbitmq_vhost": Format("/ or up to 128 letters, digits, '_', '.' and '-'", _matches(r"/|[A-Za-z0-9_.-]{1,128}")),
    "duration": Format("a duration such as 30s, 15d or 1d12h", _DURATION.fullmatch, _seconds),
    # a port has bounds of its own, so that nobody repeats them
    "port": Format("a port between 1 and 65535", lambda text: text.isdecimal() and 0 < int(text) < 65536),
    # what the inventory has is known to inventory_checks only
    "host_groups": Format(
        "a host group, its first host as in control[0], or several joined by colons",
        _matches(r"[^:\s\[\]]+(\[\d+\])?(:[^:\s\[\]]+(\[\d+\])?)*"),
    ),
    "host": Format("a host of the inventory", _matches(r"\S+")),
}


def check(limit: Limit, value: t.Any) -> list[str]:
    """Return what is expected instead of *value*, and what was given, for each item that is not within *limit*."""
    items = value if isinstance(value, list) else [value]
    return [f"expected {expected}, got {show(item)}" for item in items if (expected := _expected(limit, str(item)))]


def _expected(limit: Limit, text: str) -> str:
    if not text and limit.get("empty"):
        return ""
    form = FORMATS.get(limit.get("format", ""))
    if form and not form.accepts(text):
        later = " (IPv6 is not supported yet)" if limit["format"].startswith("ipv4") and _parses(ipaddress.IPv6Interface, text) else ""
        return form.expected + (", or nothing" if limit.get("empty") else "") + later
    measure = form.measure if form and form.measure else float
    low, high = limit.get("minimum"), limit.get("maximum")
    below = low is not None and measure(text) < measure(str(low))
    above = high is not None and measure(text) > measure(str(high))
    if below or above:
        return f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
    return ""
