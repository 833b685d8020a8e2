# SPDX-License-Identifier: Apache-2.0
"""What the engine is told of a container, and what a hand changed since."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine import container_api
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Healthcheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from tests.scripts import ROLES

_SPEC = ContainerSpec(
    name="api",
    service="x",
    image="x:1",
    command=["run"],
    volumes=["data:/data", "/etc/x:/etc/x:ro"],
    tmpfs=["/tmp:mode=1777"],
    capabilities=["NET_ADMIN"],
    devices=["/dev/net/tun"],
    memory="64m",
)


def _inspection(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "Id": "1",
        "Name": "/api",
        "Image": "sha256:i",
        "State": {"Running": True, "Status": "running", "ExitCode": 0, "Pid": 1, "StartedAt": "2026-01-01T00:00:00Z"},
        "Config": {"Labels": None, "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Timeout": 2_000_000_000}},
        # as the engine gives it back: other order, prefixes, null for nothing
        "HostConfig": {
            **container_api.host_config(_SPEC, container_api.RESTART_POLICY),
            "Binds": ["/etc/x:/etc/x:ro", "data:/data"],
            "CapAdd": ["CAP_NET_ADMIN"],
            "SecurityOpt": ["label=disable", "no-new-privileges"],
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
            **changes,
        },
    }


def test_an_inspection_is_read() -> None:
    state = container_api.parse(_inspection())
    assert (state.name, state.running, state.health, state.stop_timeout, state.labels) == ("api", True, "", 10, {})
    assert state.healthcheck == Healthcheck(test=["CMD", "true"], interval=5, timeout=2, retries=0, start_period=0)


def test_what_the_engine_says_in_its_own_way_is_no_drift() -> None:
    assert container_api.drift(_SPEC, container_api.parse(_inspection())) == []


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"Privileged": True}, "privileged"),
        ({"CapAdd": ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]}, "capabilities"),
        ({"CapDrop": None}, "capabilities"),
        ({"Binds": ["data:/data", "/etc/x:/etc/x"]}, "volumes"),
        ({"Binds": ["data:/data", "/etc/x:/etc/x:ro", "/:/host"]}, "volumes"),
        ({"ReadonlyRootfs": False}, "read_only"),
        ({"SecurityOpt": None}, "security_opts"),
        ({"RestartPolicy": {"Name": "no"}}, "restart_policy"),
        ({"PidMode": "host"}, "pid_mode"),
        ({"NetworkMode": "bridge"}, "network_mode"),
        ({"Devices": None}, "devices"),
        ({"Tmpfs": None}, "tmpfs"),
    ],
)
def test_what_a_hand_changed_is_drift(changes: dict[str, t.Any], option: str) -> None:
    assert [found.option for found in container_api.drift(_SPEC, container_api.parse(_inspection(**changes)))] == [option]


def test_an_unconfined_system_path_is_two_empty_lists() -> None:
    config = container_api.host_config(
        ContainerSpec(name="a", service="x", image="x", command=[], security_opts=["systempaths=unconfined"]), "no"
    )
    assert (config["MaskedPaths"], config["ReadonlyPaths"], config["SecurityOpt"]) == ([], [], ["no-new-privileges"])


def test_the_engine_logs_the_labels_that_the_log_collector_reads() -> None:
    logged = container_api.host_config(_SPEC, "no")["LogConfig"]["Config"]["labels"].split(",")
    read = re.findall(r"\$!attrs!([\w.]+)", (ROLES / "logging/templates/rsyslog.conf.j2").read_text("utf-8"))
    assert set(logged) == set(read) >= {"org.caisson.cloud"}


def test_places_to_mount_at_are_not_written() -> None:
    state = container_api.parse(_inspection(Binds=["a:/var/lib/x", "/b:/etc/x/x.conf:ro"], Tmpfs={"/run/x": ""}))
    engine_made = ["/var", "/var/lib", "/var/lib/x", "/etc", "/etc/x", "/etc/x/x.conf", "/run", "/run/x"]
    assert container_api.written([*engine_made, "/etc/x/other", "/usr", "/usr/bin", "/usr/bin/x", "/var/lib/xy"], state) == [
        "/etc/x/other",
        "/usr/bin/x",
        "/var/lib/xy",
    ]


@pytest.mark.parametrize(
    ("allowed", "may_raise", "own", "limit"),
    [
        # the engine of a host with systemd may have all that the kernel can count
        (2**30, True, {}, 65536),
        (-1, False, {}, 65536),
        (1024, True, {}, 65536),
        (2**20, False, {}, 65536),
        # it could not be raised
        (20000, False, {}, None),
        (2**30, True, {"nofile": 4096}, 4096),
    ],
)
def test_open_files_are_limited(allowed: int, may_raise: bool, own: dict[str, int], limit: int | None) -> None:
    found = container_api.ulimits(ContainerSpec(name="a", service="x", image="i", command=["run"], ulimits=own), allowed, may_raise)
    assert found == ([{"Name": "nofile", "Soft": limit, "Hard": limit}] if limit else [])
