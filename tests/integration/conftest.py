# SPDX-License-Identifier: Apache-2.0
"""What the tests on a real engine share. They need dockerd and the images that ``playbooks/build.yml`` made."""

from __future__ import annotations

import typing as t
import uuid

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.engine import Engine, connect


class Lab:
    """A cloud of its own for one test: nothing else on the engine has its label, and all of it goes in the end."""

    def __init__(self, client: t.Any) -> None:
        self.client = client
        self.engine = Engine(client)
        self.cloud = f"caisson-test-{uuid.uuid4().hex[:8]}"
        self.label = f"{specs.LABEL_CLOUD}={self.cloud}"

    def name(self, word: str) -> str:
        """Return a name that no other test uses."""
        return f"{self.cloud}-{word}"

    def image(self, name: str) -> str:
        """Return the reference of the newest image *name* of the collection."""
        found = [tag for image in self.client.images(name=f"caisson/{name}") for tag in image["RepoTags"] or []]
        assert found, f"no image caisson/{name} on this engine; build it (make build, or playbooks/build.yml)"
        return found[0]

    def clean(self) -> None:
        """Remove every container and volume of this cloud."""
        for row in self.client.containers(all=True, filters={"label": self.label}):
            self.client.remove_container(row["Id"], force=True, v=True)
        for volume in self.client.volumes()["Volumes"] or []:
            if volume["Name"].startswith(self.cloud):
                self.client.remove_volume(volume["Name"])


@pytest.fixture
def lab() -> t.Iterator[Lab]:
    """A cloud of its own on the engine of this machine."""
    made = Lab(connect())
    yield made
    made.clean()
