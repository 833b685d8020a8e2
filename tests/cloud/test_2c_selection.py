# SPDX-License-Identifier: Apache-2.0
"""Runs for some services or some hosts do what they say, and touch nothing else."""

from __future__ import annotations

import pytest

from tests.cloud.conftest import Cloud, recap
from tests.cloud.test_2a_plan import CHANGES, world


def started(cloud: Cloud) -> dict[str, str]:
    """Return when each container was started."""
    return {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}


@pytest.mark.long
def test_only_what_was_selected_is_touched(cloud: Cloud) -> None:
    # memcached and glance have changes pending until they are selected
    for arguments, touched in (
        (["-e", '{"services": ["rabbitmq", "placement"]}'], set()),
        (["--tags", "memcached"], {"memcached"}),
        (["--limit", "aio", "--tags", "glance"], {"glance_api"}),
        ([], set()),
    ):
        before = started(cloud)
        cloud.play("site", "-e", CHANGES, *arguments)
        assert {name for name, time in started(cloud).items() if time != before[name]} == touched, arguments
    # back, by a list
    cloud.play("site", "-e", "services=memcached,glance")
    assert recap(cloud.play("site"))["changed"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tags", "glnace"], "did you mean 'glance'?"),
        (["--tags", "files"], "phases cannot be run alone"),
        (["-e", "services=nova", "--skip-tags", "nova"], "no service is selected"),
        # what they require has a change pending
        (["--skip-tags", "glance", "-e", CHANGES], "glance_api of service glance differs from its definition: replace"),
        (["--tags", "keystone", "-e", CHANGES], "memcached of service memcached differs from its definition: replace"),
        (["-e", '{"memcached_service_overrides": {"enabled": false}}'], "keystone: requires service memcached, which is disabled"),
    ],
)
def test_what_would_leave_something_half_made_is_refused(cloud: Cloud, arguments: list[str], message: str) -> None:
    before = world(cloud)
    assert message in " ".join(cloud.play("site", *arguments, check=False).split())
    assert world(cloud) == before
