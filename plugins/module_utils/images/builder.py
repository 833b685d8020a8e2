# SPDX-License-Identifier: Apache-2.0
"""Build images on the host that has the engine."""

from __future__ import annotations

import dataclasses
import fcntl
import io
import pathlib
import tarfile
import tempfile
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import commands, graph
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes as images
from ansible_collections.caisson.openstack.plugins.module_utils.images.store import ImageStore

#: Label of the stages of a multi-stage build, which are removed afterwards.
STAGE_LABEL = "org.caisson.stage=true"
#: Held while images are built on a host.
_LOCK = pathlib.Path("/run/caisson-images.lock")
LABEL_TITLE = "org.opencontainers.image.title"

_BOOTSTRAP_HELP = (
    "\ncan this host reach images_apt_mirror, does that have the suite (images_suite), and does debian-archive-keyring know its signature?"
)
_BUILD_HELP = (
    "\nthe mirror, the package index and the CA bundle of the build are images_apt_mirror, images_python_index and images_ca_bundle; "
    "fix the cause and run the build again; it continues where it stopped"
)


@dataclasses.dataclass
class Bootstrap:
    """How the root file system of the first image is made."""

    suite: str
    mirror: str
    security_mirror: str


@dataclasses.dataclass
class Result:
    """What was found out and done about one image; ``seconds`` of building."""

    name: str
    reference: str
    kind: str
    reasons: list[str]
    built: bool = False
    seconds: float = 0.0
    error: str = ""


class Builder:
    """Builds those of a set of recipes that need it.

    Args:
        store: the images of this host.
        bootstrap: how the root file system of the first image is made.
        local_files: files that go into every build context without counting as an input, by their path there.
        labels: labels for every image.
    """

    def __init__(self, store: ImageStore, bootstrap: Bootstrap, local_files: t.Mapping[str, str], labels: t.Mapping[str, str]) -> None:
        self._store = store
        self._bootstrap = bootstrap
        self._local_files = local_files
        self._labels = dict(labels)

    def plan(self, recipes: t.Sequence[images.Recipe], refresh: bool) -> dict[str, Result]:
        """Return, for each recipe, why it has to be built; no reasons if it has not."""
        present = {recipe.name: found for recipe in recipes if (found := self._present(recipe.reference))}
        reasons = images.plan(recipes, present, refresh)
        return {recipe.name: Result(recipe.name, recipe.reference, recipe.kind, reasons[recipe.name]) for recipe in recipes}

    def _present(self, reference: str) -> images.Present | None:
        found = self._store.inspect(reference)
        return None if found is None else images.Present(found.id, found.labels.get(images.LABEL_INPUTS, ""))

    def build(self, recipes: t.Sequence[images.Recipe], planned: t.Mapping[str, Result], parallel: int, refresh: bool) -> list[Result]:
        """Build *recipes*, parents first; what depends on a failed one is left alone."""
        by_name = {recipe.name: recipe for recipe in recipes}
        results = {name: dataclasses.replace(planned[name]) for name in by_name}

        def work(name: str) -> bool:
            started = time.monotonic()
            try:
                self._build(by_name[name], refresh)
                results[name].built = True
            except (EngineError, OSError) as error:
                results[name].error = str(error)
            results[name].seconds = round(time.monotonic() - started, 1)
            return results[name].built

        with _LOCK.open("w") as lock:
            # another run's stages would be removed with ours, and what it built meanwhile is taken as it is
            fcntl.flock(lock, fcntl.LOCK_EX)
            graph.run({name: list(recipe.parents) for name, recipe in by_name.items()}, work, parallel)
            self._store.remove_stages(STAGE_LABEL)
        return list(results.values())

    def _build(self, recipe: images.Recipe, refresh: bool) -> None:
        if recipe.kind == "existing":
            self._store.transfer("pull", recipe.reference)
            return
        ids = {name: found.id for name, reference in recipe.parents.items() if (found := self._store.inspect(reference))}
        identity = {LABEL_TITLE: recipe.name, images.LABEL_INPUTS: images.label(recipe, ids)}
        twin = None if refresh and recipe.kind == "bootstrap" else self._twin(recipe.reference, identity)
        if twin:
            self._store.tag(twin, recipe.reference)
            return
        labels = {**self._labels, **recipe.labels, **identity}
        if recipe.kind == "bootstrap":
            self._import(recipe, labels)
            return
        try:
            self._store.build(recipe.reference, self._context(recipe), labels)
        except EngineError as error:
            raise EngineError(f"{error}{_BUILD_HELP}") from error

    def _twin(self, reference: str, identity: t.Mapping[str, str]) -> str | None:
        """Return the id of an image that another release made from the same inputs.

        Labels alone do not tell: unfinished builds, and images that an operator makes from ours, inherit them.
        """
        repository, _colon, _tag = reference.rpartition(":")
        for other in filter(images.is_release_tag, self._store.tags(repository)):
            found = self._store.inspect(other)
            if found and identity.items() <= found.labels.items():
                return found.id
        return None

    def _import(self, recipe: images.Recipe, labels: t.Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory() as directory:
            archive = pathlib.Path(directory, "root.tar")
            for name in ("apt.conf", "dpkg.cfg"):
                archive.with_name(name).write_text(recipe.context[f"base/{name}"], encoding="utf-8")
            _make_root(self._bootstrap, archive)
            self._store.import_root(recipe.reference, str(archive), labels)

    def _context(self, recipe: images.Recipe) -> t.IO[bytes]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for path, text in {"Containerfile": recipe.containerfile, **recipe.context, **self._local_files}.items():
                data = text.encode()
                member = tarfile.TarInfo(path)
                member.size, member.mode = len(data), 0o644
                archive.addfile(member, io.BytesIO(data))
        stream.seek(0)
        return stream


def _make_root(bootstrap: Bootstrap, archive: pathlib.Path) -> None:
    """Make a minimal Debian root file system, checked against the host's Debian keyring, by the options beside *archive*."""
    sources = [
        f"deb {bootstrap.mirror} {bootstrap.suite} main",
        f"deb {bootstrap.mirror} {bootstrap.suite}-updates main",
        f"deb {bootstrap.security_mirror} {bootstrap.suite}-security main",
    ]
    options = [f"--aptopt={archive.with_name('apt.conf')}", f"--dpkgopt={archive.with_name('dpkg.cfg')}"]
    command = ["mmdebstrap", "--variant=minbase", *options, bootstrap.suite, str(archive), *sources]
    done = commands.run(command)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-15:])
        what = f"cannot make a root file system of {bootstrap.suite} from {bootstrap.mirror}"
        raise EngineError(f"{what}; the end of mmdebstrap's log:\n{tail}{_BOOTSTRAP_HELP}")
