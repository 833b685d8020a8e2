# SPDX-License-Identifier: Apache-2.0
"""What a build host's own configuration says about the way to packages."""

from __future__ import annotations

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.images import build_settings as settings

ONE_LINE = """
# deb http://off.example/debian trixie main
deb http://mirror.example/debian/ trixie main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://other.example/apt stable main
deb-src http://source.example/debian trixie main
deb http://mirror.example/debian-security trixie-security main
"""

DEB822 = """
# the archive
Types: deb deb-src
URIs: http://one.example/debian
 http://two.example/debian/
Suites: trixie
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: trixie

Enabled: no
Types: deb
URIs: http://off.example/debian

types: deb
uris: http://one.example/debian-security
suites: trixie-security
"""


def test_one_line_sources() -> None:
    urls = ["http://mirror.example/debian", "https://other.example/apt", "http://mirror.example/debian-security"]
    assert settings.one_line_urls(ONE_LINE) == urls


def test_deb822_sources() -> None:
    urls = ["http://one.example/debian", "http://two.example/debian", "http://one.example/debian-security"]
    assert settings.deb822_urls(DEB822) == urls


def test_the_mirror_is_the_debian_archive() -> None:
    urls = settings.one_line_urls(ONE_LINE)
    mirror = settings.debian_mirror(["https://other.example/apt", *urls])
    assert mirror == "http://mirror.example/debian"
    assert settings.security_mirror(urls, mirror) == "http://mirror.example/debian-security"


def test_a_host_of_another_distribution_gets_the_defaults() -> None:
    mirror = settings.debian_mirror(["http://archive.example/ubuntu"])
    assert mirror == settings.DEFAULT_MIRROR
    assert settings.security_mirror([], mirror) == f"{settings.DEFAULT_MIRROR}-security"


@pytest.mark.parametrize(
    ("files", "environment", "index", "cert"),
    [
        ([], {}, "", ""),
        (["[global]\nindex-url = https://a.example/simple\ncert = /a.crt\n"], {}, "https://a.example/simple", "/a.crt"),
        (["[global]\nindex-url = https://a.example\n", "[global]\nindex-url = https://b.example\n"], {}, "https://b.example", ""),
        (["[global]\nindex-url = https://a.example\n[install]\nindex-url = https://b.example\n"], {}, "https://b.example", ""),
        (["[global]\nindex-url = https://a.example\n"], {"PIP_INDEX_URL": "https://c.example"}, "https://c.example", ""),
        (["[global]\nindex-url = https://user:p%40ss@a.example\n"], {}, "https://user:p%40ss@a.example", ""),
        (["no section = 1\n", "[global]\ncert = /b.crt\n"], {}, "", "/b.crt"),
    ],
)
def test_pip_settings(files: list[str], environment: dict[str, str], index: str, cert: str) -> None:
    assert settings.pip_settings(files, environment) == {"index-url": index, "cert": cert}


@pytest.mark.parametrize(
    ("cert", "environment", "present", "bundle"),
    [
        ("/pip.crt", {"SSL_CERT_FILE": "/ssl.crt"}, {"/pip.crt", "/ssl.crt"}, "/pip.crt"),
        ("", {"SSL_CERT_FILE": "/ssl.crt", "REQUESTS_CA_BUNDLE": "/gone.crt"}, {"/ssl.crt", settings.SYSTEM_BUNDLE}, "/ssl.crt"),
        ("", {}, {settings.SYSTEM_BUNDLE}, settings.SYSTEM_BUNDLE),
        ("", {}, set(), ""),
    ],
)
def test_ca_bundle(cert: str, environment: dict[str, str], present: set[str], bundle: str) -> None:
    assert settings.ca_bundle(cert, environment, present.__contains__) == bundle


def test_this_host_can_be_read() -> None:
    found = settings.read()
    assert found.keys() == {"apt_mirror", "apt_security_mirror", "python_index", "ca_bundle"}
    assert found["apt_mirror"].startswith("http")
