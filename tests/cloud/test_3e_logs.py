# SPDX-License-Identifier: Apache-2.0
"""One request is followed through the logs of all services."""

from __future__ import annotations

import pathlib
import re
import time
import typing as t
import uuid

from tests.cloud.api import Api
from tests.cloud.conftest import Cloud

LOGS = pathlib.Path("/var/log/caisson")


def test_a_request_is_followed_through_all_services(cloud: Cloud, server: dict[str, t.Any]) -> None:
    request = f"req-{uuid.uuid4()}"
    api = Api(cloud, request)
    # Nova asks Neutron for it, and both of them Keystone
    assert api.get("compute", f"/servers/{server['server']}/os-interface")["interfaceAttachments"]
    deadline = time.monotonic() + 30
    while request not in (LOGS / "neutron_api.log").read_text():
        assert time.monotonic() < deadline, "the collector wrote no such line"
        time.sleep(0.5)
    text = cloud.play("logs", "-e", f"request_id={request}")
    found = re.findall(r"^(\d{4}-\d\d-\d\dT\S+) +aio +(\w+) ", text, re.MULTILINE)
    assert {container for _time, container in found} >= {"haproxy", "keystone_api", "nova_api", "neutron_api"}, text
    assert [moment for moment, _container in found] == sorted(moment for moment, _container in found)


def test_a_request_of_nobody_is_found_nowhere(cloud: Cloud) -> None:
    text = cloud.play("logs", "-e", f"request_id=req-{uuid.uuid4()}")
    assert "no such line in the log of any host" in text
