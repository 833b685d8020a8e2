# SPDX-License-Identifier: Apache-2.0
"""Runs for some services or some hosts do what they say, and touch nothing else."""

from __future__ import annotations

import pathlib

import pytest
import yaml

from tests.cloud.conftest import Cloud, recap
from tests.cloud.test_2a_plan import CHANGES, world


@pytest.mark.parametrize(
    ("arguments", "touched"),
    [
        (["--tags", "memcached"], {"memcached"}),
        (["-e", "services=glance"], {"glance_api"}),
        (["-e", '{"services": ["keystone", "placement"]}'], set()),
        (["--skip-tags", "glance,horizon"], {"memcached"}),
        (["--limit", "aio", "--tags", "memcached,glance"], {"memcached", "glance_api"}),
    ],
)
def test_only_what_was_selected_is_touched(cloud: Cloud, arguments: list[str], touched: set[str]) -> None:
    cloud.play("site")
    before = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    cloud.play("site", "-e", CHANGES, *arguments)
    after = {name: data["State"]["StartedAt"] for name, data in cloud.containers.items()}
    assert {name for name, started in after.items() if started != before[name]} == touched


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tags", "glnace"], "did you mean 'glance'?"),
        (["--tags", "files"], "phases cannot be run alone"),
        (["-e", "services=nova", "--skip-tags", "nova"], "nothing is left of what was selected"),
        # glance requires memcached's neighbour keystone, and that requires memcached, which is to be replaced
        (["--tags", "keystone", "-e", CHANGES], "memcached of service memcached is not as it should be: replace"),
        (["-e", '{"memcached_service_overrides": {"enabled": false}}'], "keystone: requires service memcached, which is disabled"),
    ],
)
def test_what_would_leave_something_half_made_is_refused(cloud: Cloud, arguments: list[str], message: str) -> None:
    cloud.play("site")
    before = world(cloud)
    assert message in " ".join(cloud.play("site", *arguments, check=False).split())
    assert world(cloud) == before


def test_a_limited_run_asks_whether_what_it_needs_elsewhere_is_there(cloud: Cloud, tmp_path: pathlib.Path) -> None:
    hosts = yaml.safe_load((cloud.root / "inventory/aio/hosts.yml").read_text())
    # a second control host, which nobody has started yet
    hosts["all"]["children"]["control"]["hosts"]["other"] = {"ansible_host": "127.0.9.2"}
    path = cloud.root / "inventory/aio/two.yml"
    path.write_text(yaml.safe_dump(hosts))
    before = world(cloud)
    text = " ".join(cloud.play("site", "-i", str(path), "--limit", "aio", check=False).split())
    path.unlink()
    assert "mariadb on other does not answer at 127.0.9.2:3306" in text
    assert world(cloud) == before
    assert recap(cloud.play("site"))["changed"] == 0
