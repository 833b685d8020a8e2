# SPDX-License-Identifier: Apache-2.0
"""An engine that is asked once for each container and image, to compare a host while nothing changes it."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, ImageState
from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState


class ReadOnceEngine(Engine):
    """Remembers what it was told of containers and images. Whatever would change one of them is for :class:`Engine`."""

    def __init__(self, client: t.Any) -> None:
        super().__init__(client)
        self._containers: dict[str, ContainerState | None] = {}
        self._images: dict[str, ImageState | None] = {}

    def container(self, name: str) -> ContainerState | None:
        """Return one container, by name or id, as it was when it was first asked for, or None."""
        if name not in self._containers:
            self._containers[name] = super().container(name)
        return self._containers[name]

    def inspect(self, reference: str) -> ImageState | None:
        """Return an image of this host as it was when it was first asked for, or None."""
        if reference not in self._images:
            self._images[reference] = super().inspect(reference)
        return self._images[reference]
