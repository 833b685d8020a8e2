# SPDX-License-Identifier: Apache-2.0
"""A region that uses the Keystone of another one."""

from __future__ import annotations

import functools
import pathlib
import tempfile

from tests.definitions import switches
from tests.unit.roles.rendering import ROOT, Host, render
from tests.unit.roles.test_definitions import HOST_CAPABILITIES_OF

_URL = "https://192.0.2.99:5000"
_SETTINGS = {"keystone_external_url": _URL, "keystone_admin_password": "of-the-other-region", "cloud_region": "North"}


@functools.cache
def _host(external: bool) -> Host:
    variables = {"cloud_host_capabilities": HOST_CAPABILITIES_OF["2026.1"], **switches(), **(_SETTINGS if external else {})}
    with tempfile.TemporaryDirectory() as directory:
        return render(ROOT / "inventory/aio/hosts.yml", pathlib.Path(directory), variables)["aio"]


def test_it_runs_no_keystone_and_has_no_data_of_one() -> None:
    own, external = ({item["service"] for item in _host(which)["containers"]} for which in (False, True))
    assert own - external == {"keystone"}
    assert not [job["name"] for job in _host(True)["jobs"] if job["service"] == "keystone"]
    assert "keystone" not in {item["name"] for item in _host(True)["accounts"]}
    (haproxy,) = (file for file in _host(True)["files"] if file["path"].endswith("/haproxy.cfg"))
    assert "frontend keystone_api" not in haproxy["content"]


def test_its_own_users_are_told_apart() -> None:
    names = [{account.get("user") or account["name"] for account in _host(which)["accounts"]} for which in (False, True)]
    assert "glance" in names[0]
    assert names[1] == {f"{name}_north" for name in names[0] - {"keystone"}}


def test_its_services_ask_the_other_regions_keystone() -> None:
    (configuration,) = (file for file in _host(True)["files"] if file["path"].endswith("/glance-api.conf"))
    assert f"auth_url = {_URL}\n" in configuration["content"]
    assert "region_name = North\n" in configuration["content"]
    assert _host(True)["admin_url"] == f"{_URL}/v3"


def test_its_catalog_has_the_other_regions_keystone() -> None:
    (identity,) = (item for item in _host(True)["endpoints"] if item["type"] == "identity")
    assert {identity["internal_url"], identity["public_url"]} == {_URL}
    assert len(_host(True)["endpoints"]) == len(_host(False)["endpoints"])
