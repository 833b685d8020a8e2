# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import datetime

from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight import shared_settings
from ansible_collections.caisson.openstack.plugins.plugin_utils.preflight.inventory_checks import Setting


def test_what_all_hosts_agree_on_is_fine() -> None:
    assert shared_settings.check("cloud_region", {"c1": Setting("Berlin", "a.yml"), "n1": Setting("Berlin", "b.yml")}) == []
    assert shared_settings.check("x", {"c1": Setting({"a": 1, "b": 2}), "n1": Setting({"b": 2, "a": 1})}) == []


def test_a_difference_is_named_with_hosts_and_origins() -> None:
    settings = {"c1": Setting("Berlin", "a.yml"), **{f"n{number}": Setting("RegionOne", "default of role cloud") for number in range(1, 7)}}
    (error,) = shared_settings.check("cloud_region", settings)
    assert error.startswith(
        'cloud_region differs between hosts of one cloud: "Berlin" on c1 (a.yml); '
        '"RegionOne" on n1, n2, n3 and 3 more (default of role cloud); set it once for all hosts'
    )


def test_secrets_are_not_shown_and_may_not_be_known_yet() -> None:
    (error,) = shared_settings.check(
        "nova_service_password", {"c1": Setting("hunter2", "a.yml"), "n1": Setting(..., "default of role nova")}
    )
    assert "hunter2" not in error
    assert "one value on c1 (a.yml); one value on n1 (default of role nova)" in error


def test_any_value_of_yaml_can_be_compared() -> None:
    settings = {"c1": Setting(datetime.date(2026, 1, 2), "a.yml"), "n1": Setting(datetime.date(2026, 1, 3), "b.yml")}
    assert len(shared_settings.check("cloud_region", settings)) == 1
