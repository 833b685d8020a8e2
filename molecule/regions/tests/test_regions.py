# SPDX-License-Identifier: Apache-2.0
"""Two regions with one Keystone: one for users, two for operators."""

from __future__ import annotations

import re
import typing as t

import pytest
from testinfra.host import Host

from ansible_collections.caisson.openstack.plugins.module_utils.common import openstack_api
from tests.molecule.cloud import EPHEMERAL, Cloud

_KEYSTONE = "10.199.0.61"


@pytest.fixture(scope="module")
def south(reach: t.Callable[[str], Host]) -> Cloud:
    """The region that has Keystone."""
    return deployed(Cloud("regions", reach, {"south1": _KEYSTONE}, _KEYSTONE, ["south.yml"]))


@pytest.fixture(scope="module")
def north(reach: t.Callable[[str], Host], south: Cloud) -> Cloud:
    """The region that uses it."""
    (EPHEMERAL / "north").mkdir(exist_ok=True)
    return deployed(Cloud("regions", reach, {"north1": "10.199.0.62"}, _KEYSTONE, ["north.yml"]))


def deployed(region: Cloud) -> Cloud:
    """Return a region that was brought up."""
    region.play("site")
    region.play("access")
    return region


def images(cloud: Cloud, region: str) -> set[str]:
    """Return the names of the images of a region."""
    return {image["name"] for image in session(cloud, region).send("GET", "image", "/v2/images").json()["images"]}


def session(cloud: Cloud, region: str) -> openstack_api.Session:
    return cloud.session(region, (EPHEMERAL / "ca.crt").read_text() + (EPHEMERAL / "north/ca.crt").read_text())


def changes(text: str) -> list[str]:
    """Return how much each host of a run changed, as its recap says."""
    return re.findall(r"changed=(\d+)", text.partition("PLAY RECAP")[2])


def test_one_keystone_serves_both(south: Cloud, north: Cloud) -> None:
    assert "keystone_api" in south.images("south1")
    assert "keystone_api" not in north.images("north1")
    rows = session(south, "South").send("GET", "identity", "/endpoints").json()["endpoints"]
    found = {region: {row["url"] for row in rows if row["region_id"] == region} for region in ("South", "North")}
    assert {url.split(":")[1] for url in found["South"]} == {"//10.199.0.61"}
    assert {url.split(":")[1] for url in found["North"]} == {"//10.199.0.61", "//10.199.0.62"}


def test_each_has_images_of_its_own(south: Cloud, north: Cloud) -> None:
    for region in ("South", "North"):
        body = {"name": f"made in the {region}", "disk_format": "raw", "container_format": "bare"}
        session(south, region).send("POST", "image", "/v2/images", body).check()
    assert images(south, "South") == {"made in the South"}
    assert images(south, "North") == {"made in the North"}


def test_neither_changes_what_the_other_has(south: Cloud, north: Cloud) -> None:
    assert changes(south.play("site")) == ["0"]
    assert changes(north.play("site")) == ["0"]


def test_passwords_rotate_apart(south: Cloud, north: Cloud) -> None:
    north.play("rotate", "-e", '{"rotate_secrets": ["all"]}')
    assert images(south, "North") == {"made in the North"}
    assert changes(south.play("site")) == ["0"]
    assert images(south, "South") == {"made in the South"}


def test_a_name_that_is_taken_is_refused(north: Cloud) -> None:
    text = north.play("site", "-e", "cloud_region=South", check=False)
    assert "region South in the external Keystone" in text, text[-3000:]
    assert "belongs to another cloud" in text
