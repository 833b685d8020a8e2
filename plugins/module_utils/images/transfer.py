# SPDX-License-Identifier: Apache-2.0
"""Ship images between a build host and the hosts that run them, by way of a registry."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.images.store import ImageStore

Direction = t.Literal["push", "pull"]


@dataclasses.dataclass
class Outcome:
    """What was, or in check mode would be, done about one image, and why."""

    image: str
    reason: str = ""
    error: str = ""


def remote(image: str, registry: str) -> str:
    """Return the name of *image* in *registry* (``host:port``)."""
    return f"{registry}/{image}"


def plan(store: ImageStore, image: str, registry: str, direction: Direction) -> str:
    """Return why *image* has to be shipped, or an empty string."""
    present = store.inspect(image)
    offered = store.registry_digest(remote(image, registry))
    if direction == "push":
        if present is None:
            raise EngineError(f"image {image} is not on this host; build it (playbook build)")
        if offered is None:
            return "the registry does not have it"
        return "" if offered in present.digests else "the registry has a different one"
    if offered is None:
        raise EngineError(f"the registry {registry} does not have {image}; push it from the build host (playbook pull)")
    if present is None:
        return "this host does not have it"
    return "" if offered in present.digests else "this host has a different one"


def ship(store: ImageStore, image: str, registry: str, direction: Direction) -> None:
    """Ship one image; on a host that pulls it then has the same name as where it was built."""
    name = remote(image, registry)
    if direction == "push":
        store.tag(image, name)
    store.transfer(direction, name)
    if direction == "pull":
        store.tag(name, image)


def run(store: ImageStore, images: t.Iterable[str], registry: str, direction: Direction, check_mode: bool, parallel: int) -> list[Outcome]:
    """Ship those of *images* that need it, *parallel* at a time; a failure of one does not stop the others."""

    def attempt(image: str) -> Outcome:
        outcome = Outcome(image)
        try:
            outcome.reason = plan(store, image, registry, direction)
            if outcome.reason and not check_mode:
                ship(store, image, registry, direction)
        except EngineError as error:
            outcome.error = str(error)
        return outcome

    with concurrent.futures.ThreadPoolExecutor(max_workers=parallel) as pool:
        return list(pool.map(attempt, images))
