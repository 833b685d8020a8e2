# SPDX-License-Identifier: Apache-2.0
"""How a host reaches packages, read from its own configuration, so that builds do what the host itself would do."""

from __future__ import annotations

import configparser
import os
import pathlib
import re
import typing as t

DEFAULT_MIRROR = "http://deb.debian.org/debian"
SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

#: Where a Python client is told which authorities to trust, in the order in which pip looks.
_BUNDLE_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


def one_line_urls(text: str) -> list[str]:
    """Return the archive URLs in a ``sources.list`` file."""
    pattern = re.compile(r"^\s*deb\s+(?:\[[^]]*\]\s*)?(\S+)\s", re.MULTILINE)
    return [url.rstrip("/") for url in pattern.findall(text)]


def deb822_urls(text: str) -> list[str]:
    """Return the archive URLs in a ``.sources`` file, of the stanzas that are enabled and give binary packages."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    urls = []
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        # a line that starts with a blank goes on with the field before it
        fields = dict(re.findall(r"^([\w-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE))
        field = {name.lower(): value.split() for name, value in fields.items()}
        if field.get("enabled", ["yes"]) != ["no"] and "deb" in field.get("types", []):
            urls += field.get("uris", [])
    return [url.rstrip("/") for url in urls]


def debian_mirror(urls: t.Iterable[str]) -> str:
    """Return the first URL that is a Debian archive, without its security part."""
    return next((url for url in urls if url.endswith("/debian")), DEFAULT_MIRROR)


def security_mirror(urls: t.Iterable[str], mirror: str) -> str:
    """Return the URL of the security archive, derived from *mirror* where the host has none."""
    return next((url for url in urls if url.endswith("/debian-security")), f"{mirror}-security")


def pip_settings(configurations: t.Iterable[str], environment: t.Mapping[str, str]) -> dict[str, str]:
    """Return pip's options ``index-url`` and ``cert``, or empty strings for pip's own defaults.

    Args:
        configurations: text of pip's configuration files, the ones that count more last.
        environment: variables of the environment, which count more than any file.
    """
    found = {"index-url": "", "cert": ""}
    for text in configurations:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
        except configparser.Error:
            continue  # pip itself would refuse it; the defaults may still do
        for section in ("global", "install"):
            found |= {option: parser[section][option] for option in found if parser.has_option(section, option)}
    variables = {"index-url": "PIP_INDEX_URL", "cert": "PIP_CERT"}
    return {option: environment.get(variables[option]) or value for option, value in found.items()}


def ca_bundle(pip_cert: str, environment: t.Mapping[str, str], exists: t.Callable[[str], bool] = os.path.isfile) -> str:
    """Return the path of the CA bundle that the host trusts."""
    named = [pip_cert, *(environment.get(name, "") for name in _BUNDLE_VARIABLES), SYSTEM_BUNDLE]
    return next((path for path in named if path and exists(path)), "")


def read() -> dict[str, str]:
    """Return the settings of this host."""
    apt = pathlib.Path("/etc/apt")
    urls = [url for path in (apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))) for url in one_line_urls(_text(path))]
    urls += [url for path in sorted(apt.glob("sources.list.d/*.sources")) for url in deb822_urls(_text(path))]
    mirror = debian_mirror(urls)
    home = pathlib.Path.home()
    paths = ["/etc/pip.conf", f"{home}/.pip/pip.conf", f"{home}/.config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", "")]
    pip = pip_settings((_text(pathlib.Path(path)) for path in paths), os.environ)
    return {
        "apt_mirror": mirror,
        "apt_security_mirror": security_mirror(urls, mirror),
        "python_index": pip["index-url"],
        "ca_bundle": ca_bundle(pip["cert"], os.environ),
    }


def _text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
