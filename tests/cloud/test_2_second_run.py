# SPDX-License-Identifier: Apache-2.0
"""A run that finds everything as it should be."""

from __future__ import annotations

from tests.cloud.conftest import Cloud, recap


def test_a_second_run_changes_and_restarts_nothing(cloud: Cloud) -> None:
    before = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    text = cloud.play("site")
    assert recap(text)["changed"] == 0
    assert {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()} == before


def test_check_mode_changes_nothing_and_says_what_would(cloud: Cloud) -> None:
    before = {name: data["Id"] for name, data in cloud.containers.items()}
    text = cloud.play("site", "--check", "--diff", "-e", '{"memcached_memory": 65}')
    assert recap(text)["changed"] == 1
    assert '"65"' in text
    assert {name: data["Id"] for name, data in cloud.containers.items()} == before


def test_only_what_a_change_concerns_is_restarted(cloud: Cloud) -> None:
    before = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    cloud.play(
        "site",
        "-e",
        '{"glance_service_overrides": {"files": [{"path": "/etc/glance/glance-api.conf", "content": {"DEFAULT": {"debug": true}}}]}}',
    )
    after = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    assert {name for name, started in after.items() if started != before[name]} == {"glance_api"}
    assert recap(cloud.play("site"))["changed"] == 2
