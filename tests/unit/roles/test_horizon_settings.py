# SPDX-License-Identifier: Apache-2.0
"""What the dashboard asks at the login, for one domain, several, and any."""

from __future__ import annotations

import json
import typing as t

import jinja2
import pytest

from tests.unit.roles.rendering import ROOT


def rendered(domains: list[str], servers: list[str]) -> dict[str, t.Any]:
    """Return what Django reads."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters |= {"bool": bool, "to_json": json.dumps, "zip": zip}
    text = environment.from_string((ROOT / "roles/horizon/templates/local_settings.py.j2").read_text("utf-8")).render(
        horizon_secret_key="key",
        horizon_allowed_hosts=["cloud.example.org"],
        horizon_session_timeout=3600,
        horizon_domains=domains,
        cloud_cache_servers=servers,
        cloud_cache_timeout=0.5,
        cloud_cache_retry=60,
        cloud_keystone_url="https://cloud.example.org:5000",
        cloud_tls=True,
        cloud_ca_path="/etc/caisson/ca.crt",
    )
    found: dict[str, t.Any] = {}
    exec(compile(text, "local_settings.py", "exec"), found)
    return found


def settings(domains: list[str]) -> dict[str, t.Any]:
    found = rendered(domains, ["192.0.2.11:11211"])
    return {name.removeprefix("OPENSTACK_KEYSTONE_"): value for name, value in found.items() if "DOMAIN" in name}


def test_no_request_waits_for_one_of_several_caches() -> None:
    assert "OPTIONS" not in rendered([], ["192.0.2.11:11211"])["CACHES"]["default"]
    cache = rendered([], ["192.0.2.11:11211", "192.0.2.12:11211"])["CACHES"]["default"]
    assert cache["LOCATION"] == ["192.0.2.11:11211", "192.0.2.12:11211"]
    assert cache["OPTIONS"] == {"connect_timeout": 0.5, "timeout": 0.5, "retry_attempts": 0, "dead_timeout": 60, "ignore_exc": True}


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        (["Default"], {"MULTIDOMAIN_SUPPORT": False, "DEFAULT_DOMAIN": "Default"}),
        (['it\'s "us"'], {"MULTIDOMAIN_SUPPORT": False, "DEFAULT_DOMAIN": 'it\'s "us"'}),
        ([], {"MULTIDOMAIN_SUPPORT": True, "DEFAULT_DOMAIN": "Default"}),
        (
            ["Default", "partners"],
            {
                "MULTIDOMAIN_SUPPORT": True,
                "DEFAULT_DOMAIN": "Default",
                "DOMAIN_DROPDOWN": True,
                "DOMAIN_CHOICES": [["Default", "Default"], ["partners", "partners"]],
            },
        ),
    ],
)
def test_the_login_asks_for_the_domain_if_there_is_a_choice(domains: list[str], expected: dict[str, t.Any]) -> None:
    assert settings(domains) == expected
