# SPDX-License-Identifier: Apache-2.0
"""What the dashboard asks at the login, for one domain, several, and any, and where it keeps sessions."""

from __future__ import annotations

import json
import sys
import types
import typing as t
from unittest import mock

import jinja2
import pytest

from tests.unit.roles.rendering import ROOT


def rendered(domains: list[str], password: str = "secret", database_ca: str = "") -> dict[str, t.Any]:
    """Return what Django reads."""
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters |= {"bool": bool, "to_json": json.dumps, "zip": zip}
    text = environment.from_string((ROOT / "roles/horizon/templates/local_settings.py.j2").read_text("utf-8")).render(
        horizon_secret_key="key",
        horizon_allowed_hosts=["cloud.example.org"],
        horizon_session_timeout=3600,
        horizon_domains=domains,
        horizon_database_account={"user": "horizon_b"},
        horizon_database_password=password,
        cloud_database_host="2001:db8::1",
        mariadb_port=3306,
        cloud_database_ca=database_ca,
        cloud_database_ca_path="/etc/caisson/database_ca.crt",
        cloud_keystone_url="https://cloud.example.org:5000",
        cloud_tls=True,
        cloud_ca_path="/etc/caisson/ca.crt",
    )
    found: dict[str, t.Any] = {}
    driver = types.SimpleNamespace(install_as_MySQLdb=lambda: found.setdefault("driver", True))
    with mock.patch.dict(sys.modules, pymysql=driver):
        exec(compile(text, "local_settings.py", "exec"), found)
    return found


def settings(domains: list[str]) -> dict[str, t.Any]:
    return {name.removeprefix("OPENSTACK_KEYSTONE_"): value for name, value in rendered(domains).items() if "DOMAIN" in name}


def test_sessions_are_in_the_database_and_nowhere_else() -> None:
    found = rendered([], 'a"b\\c')
    assert found["driver"] and found["SESSION_ENGINE"] == "django.contrib.sessions.backends.db"
    database = found["DATABASES"]["default"]
    assert (database["USER"], database["PASSWORD"], database["HOST"], database["PORT"]) == ("horizon_b", 'a"b\\c', "2001:db8::1", 3306)
    assert found["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert "ssl" not in database["OPTIONS"]
    assert rendered([], database_ca="a certificate")["DATABASES"]["default"]["OPTIONS"]["ssl"] == {"ca": "/etc/caisson/database_ca.crt"}


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
