# SPDX-License-Identifier: Apache-2.0
"""A server becomes an image."""

from __future__ import annotations

import time
import typing as t

from tests.cloud.api import Api
from tests.cloud.conftest import Cloud

NAME = "snapshot-of-a-server"


def images(api: Api) -> dict[str, dict[str, t.Any]]:
    """Return the snapshots by id."""
    return {image["id"]: image for image in api.get("image", f"/v2/images?name={NAME}")["images"]}


def test_a_snapshot_of_a_server_becomes_an_image(cloud: Cloud, server: dict[str, t.Any]) -> None:
    api = Api(cloud)
    api.post("compute", f"/servers/{server['server']}/action", {"createImage": {"name": NAME}})
    deadline = time.monotonic() + 120
    while {image["status"] for image in images(api).values()} != {"active"}:
        # one that could not be uploaded is gone again
        assert images(api) and time.monotonic() < deadline
        time.sleep(1)
    (snapshot,) = images(api)
    size = images(api)[snapshot]["size"]
    # it was sent in more than one part
    assert size > 2**20
    api.delete("image", f"/v2/images/{snapshot}")
    assert not images(api)
