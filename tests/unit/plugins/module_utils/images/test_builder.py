# SPDX-License-Identifier: Apache-2.0
"""The order, the contexts and the failures of builds. The store is a fake: real builds are the job of integration tests."""

from __future__ import annotations

import json
import pathlib
import tarfile
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError, ImageState
from ansible_collections.caisson.openstack.plugins.module_utils.images import builder as image_builder
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes as images

BOOTSTRAP = image_builder.Bootstrap("trixie", "http://mirror.example/debian", "http://mirror.example/debian-security")


@pytest.fixture(autouse=True)
def lock(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_builder, "_LOCK", tmp_path / "lock")


class FakeStore:
    """Images as a dict; what it was asked to build is kept."""

    def __init__(self, *broken: str) -> None:
        self.images: dict[str, ImageState] = {}
        self.contexts: dict[str, dict[str, str]] = {}
        self.pulled: list[str] = []
        self._broken = broken

    def inspect(self, reference: str) -> ImageState | None:
        return self.images.get(reference)

    def build(self, reference: str, context: t.IO[bytes], labels: dict[str, str]) -> None:
        if reference in self._broken:
            raise EngineError(f"cannot build {reference}: exit code 100; the end of its log:\nE: no space left")
        with tarfile.open(fileobj=context) as archive:
            self.contexts[reference] = {item.name: t.cast(t.IO[bytes], archive.extractfile(item)).read().decode() for item in archive}
        self.images[reference] = ImageState(f"sha256:{len(self.images):064x}", labels)

    def tags(self, repository: str) -> list[str]:
        return [reference for reference in self.images if reference.startswith(f"{repository}:")]

    def tag(self, reference: str, other: str) -> None:
        self.images[other] = next(image for image in self.images.values() if image.id == reference)

    def transfer(self, direction: str, reference: str) -> None:
        self.pulled.append(f"{direction} {reference}")
        self.images[reference] = ImageState(f"sha256:{len(self.images):064x}", {})

    def remove_stages(self, label: str) -> None:
        assert label == image_builder.STAGE_LABEL


OLD, NEW = "2025.2-0123abcd", "2026.1-4567abcd"


def recipes(tag: str = OLD, text: str = "text") -> list[images.Recipe]:
    root = images.Recipe(name="root", reference="debian:trixie", kind="existing")
    base = images.Recipe(
        name="base",
        reference=f"x/base:{tag}",
        containerfile="FROM debian:trixie",
        parents={"root": "debian:trixie"},
        labels={"org.caisson.release": "2026.1"},
    )
    app = images.Recipe(
        name="app",
        reference=f"x/app:{tag}",
        containerfile=f"FROM x/base:{tag}",
        context={"etc/app": text},
        parents={"base": f"x/base:{tag}"},
    )
    return images.order([app, base, root])


def run(store: FakeStore, wanted: list[images.Recipe] | None = None) -> dict[str, image_builder.Result]:
    wanted = wanted or recipes()
    builder = image_builder.Builder(
        t.cast(t.Any, store), BOOTSTRAP, {"pip.conf": "[global]\n"}, {"org.opencontainers.image.version": "0.1"}
    )
    planned = builder.plan(wanted, refresh=False)
    needed = [recipe for recipe in wanted if planned[recipe.name].reasons]
    return {result.name: result for result in builder.build(needed, planned, parallel=2, refresh=False)}


def test_everything_is_built_once_and_then_left_alone() -> None:
    store = FakeStore()
    results = run(store)
    assert {name: (result.built, result.reasons) for name, result in results.items()} == dict.fromkeys(
        ("root", "base", "app"), (True, ["it does not exist"])
    )
    assert store.pulled == ["pull debian:trixie"]
    assert run(store) == {}


def test_labels_tell_inputs_and_parents() -> None:
    store = FakeStore()
    run(store)
    labels = store.images[f"x/app:{OLD}"].labels
    assert labels["org.opencontainers.image.title"] == "app"
    assert labels["org.opencontainers.image.version"] == "0.1"
    assert store.images[f"x/base:{OLD}"].labels["org.caisson.release"] == "2026.1"
    assert json.loads(labels[images.LABEL_INPUTS]).keys() == {"Containerfile", "etc/app", "image base"}


def test_files_of_the_host_are_in_the_context_but_are_no_input() -> None:
    store = FakeStore()
    run(store)
    assert store.contexts[f"x/app:{OLD}"] == {"Containerfile": f"FROM x/base:{OLD}", "etc/app": "text", "pip.conf": "[global]\n"}
    assert "pip.conf" not in store.images[f"x/app:{OLD}"].labels[images.LABEL_INPUTS]


def test_an_image_of_the_same_inputs_gets_a_further_name() -> None:
    store = FakeStore()
    run(store)
    results = run(store, recipes(NEW, "other text"))
    assert set(results) == {"base", "app"}
    assert store.images[f"x/base:{NEW}"].id == store.images[f"x/base:{OLD}"].id
    assert store.images[f"x/app:{NEW}"].id != store.images[f"x/app:{OLD}"].id
    assert set(store.contexts) == {f"x/base:{OLD}", f"x/app:{OLD}", f"x/app:{NEW}"}


def test_an_image_that_somebody_made_from_ours_is_not_taken_for_it() -> None:
    store = FakeStore()
    run(store)
    store.images["x/base:mine"] = ImageState("sha256:mine", store.images.pop(f"x/base:{OLD}").labels)
    run(store, recipes(NEW))
    assert store.images[f"x/base:{NEW}"].id != "sha256:mine"


def test_a_failure_tells_step_and_remedy_and_stops_only_what_needs_it() -> None:
    store = FakeStore(f"x/base:{OLD}")
    results = run(store)
    assert results["root"].built
    assert f"cannot build x/base:{OLD}: exit code 100; the end of its log:\nE: no space left" in results["base"].error
    assert "images_apt_mirror" in results["base"].error
    assert not results["app"].built and not results["app"].error
