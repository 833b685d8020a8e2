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


def apt_mirrors(texts: t.Iterable[str]) -> list[str]:
    """Return the archive URLs in the text of apt's source files, of both formats, in order."""
    found: dict[str, None] = {}
    for text in texts:
        for line in text.splitlines():
            line = line.split("#", 1)[0].strip()
            one_line = re.match(r"deb\s+(?:\[[^]]*\]\s+)?(\S+)\s", line)
            if one_line:
                found[one_line.group(1)] = None
            elif line.lower().startswith("uris:"):
                found.update(dict.fromkeys(line.split()[1:]))
    return [url.rstrip("/") for url in found]


def debian_mirror(urls: t.Iterable[str]) -> str:
    """Return the first URL that is a Debian archive, without its security part."""
    return next((url for url in urls if url.endswith("/debian")), DEFAULT_MIRROR)


def security_mirror(urls: t.Iterable[str], mirror: str) -> str:
    """Return the URL of the security archive, derived from *mirror* where the host has none."""
    return next((url for url in urls if "debian-security" in url), f"{mirror}-security")


def python_index(configurations: t.Iterable[str], environment: t.Mapping[str, str]) -> str:
    """Return the package index that pip uses, or an empty string for pip's own default."""
    index = environment.get("PIP_INDEX_URL", "")
    for text in configurations:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
        index = index or parser.get("global", "index-url", fallback="")
    return index


def ca_bundle(environment: t.Mapping[str, str], exists: t.Callable[[str], bool] = os.path.isfile) -> str:
    """Return the path of the CA bundle that the host trusts."""
    named = [environment[name] for name in _BUNDLE_VARIABLES if environment.get(name)]
    return next((path for path in [*named, SYSTEM_BUNDLE] if exists(path)), "")


def read() -> dict[str, str]:
    """Return the settings of this host."""
    apt = pathlib.Path("/etc/apt")
    sources = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list")), *sorted((apt / "sources.list.d").glob("*.sources"))]
    urls = apt_mirrors(path.read_text() for path in sources if path.is_file())
    mirror = debian_mirror(urls)
    pip = [pathlib.Path("/etc/pip.conf"), pathlib.Path.home() / ".config/pip/pip.conf", pathlib.Path.home() / ".pip/pip.conf"]
    return {
        "apt_mirror": mirror,
        "apt_security_mirror": security_mirror(urls, mirror),
        "python_index": python_index((path.read_text() for path in pip if path.is_file()), os.environ),
        "ca_bundle": ca_bundle(os.environ),
    }
