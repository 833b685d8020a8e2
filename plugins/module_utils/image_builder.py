# SPDX-License-Identifier: Apache-2.0
"""Build images on the host that has the engine."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import tarfile
import tempfile
import time
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import graph, images
from ansible_collections.caisson.openstack.plugins.module_utils.engine import EngineError, ImageStore

#: Label of the stages of a multi-stage build, which are removed afterwards.
STAGE_LABEL = "org.caisson.stage=true"

_BASE_ENVIRONMENT = ["ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8"]


@dataclasses.dataclass
class Bootstrap:
    """How the root file system of the base image is made."""

    suite: str
    mirror: str
    security_mirror: str
    packages: list[str]


@dataclasses.dataclass
class Result:
    """What was found out and done about one image; ``seconds`` of building."""

    name: str
    reasons: list[str]
    built: bool = False
    seconds: float = 0.0
    error: str = ""


class Builder:
    """Builds those of a set of recipes that need it.

    Args:
        store: the images of this host.
        local_files: files that go into every build context without counting as an input, by their path there.
        labels: labels for every image.
    """

    def __init__(self, store: ImageStore, local_files: t.Mapping[str, str], labels: t.Mapping[str, str]) -> None:
        self._store = store
        self._local_files = local_files
        self._labels = dict(labels)

    def plan(self, recipes: t.Iterable[images.Recipe]) -> dict[str, Result]:
        """Return, for each recipe, why it has to be built; no reasons if it has not."""
        return {recipe.name: Result(recipe.name, self._reasons(recipe)) for recipe in recipes}

    def _reasons(self, recipe: images.Recipe) -> list[str]:
        labels = self._store.labels(recipe.reference)
        return images.reasons(recipe, None if labels is None else labels.get(images.LABEL_INPUTS, ""))

    def build(self, recipes: t.Sequence[images.Recipe], bootstrap: Bootstrap, parallel: int) -> list[Result]:
        """Build *recipes*, parents first; what depends on a failed one is left alone."""
        by_name = {recipe.name: recipe for recipe in recipes}
        results = {name: Result(name, []) for name in by_name}

        def work(name: str) -> bool:
            started = time.monotonic()
            try:
                self._build(by_name[name], bootstrap)
                results[name].built = True
            except (EngineError, OSError, subprocess.SubprocessError) as error:
                results[name].error = str(error)
            results[name].seconds = round(time.monotonic() - started, 1)
            return results[name].built

        graph.run({name: recipe.parents for name, recipe in by_name.items()}, work, parallel)
        self._store.remove_stages(STAGE_LABEL)
        return list(results.values())

    def _build(self, recipe: images.Recipe, bootstrap: Bootstrap) -> None:
        labels = {**self._labels, "org.opencontainers.image.title": recipe.name, images.LABEL_INPUTS: json.dumps(recipe.inputs, sort_keys=True)}
        if recipe.parents or recipe.containerfile:
            self._store.build(recipe.reference, self._context(recipe), labels)
            return
        with tempfile.TemporaryDirectory() as directory:
            archive = f"{directory}/root.tar"
            _bootstrap(bootstrap, archive)
            quoted = [f"LABEL {key}={json.dumps(value)}" for key, value in labels.items()]
            self._store.import_root(recipe.reference, archive, [*_BASE_ENVIRONMENT, *quoted])

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


def _bootstrap(options: Bootstrap, archive: str) -> None:
    """Make a minimal Debian root file system, checked against the host's Debian keyring."""
    components = f"{options.suite} main", f"{options.suite}-updates main", f"{options.suite}-security main"
    mirrors = options.mirror, options.mirror, options.security_mirror
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(options.packages)}"]
    # nobody reads manuals inside a container; licences stay
    for pattern in ("man", "info", "locale", "doc"):
        command.append(f"--dpkgopt=path-exclude=/usr/share/{pattern}/*")
    command.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    command.append("--aptopt=APT::Install-Recommends false")
    # packages must not start their services in a build
    command.append('--customize-hook=printf "#!/bin/sh\\nexit 101\\n" >"$1/usr/sbin/policy-rc.d"; chmod 0755 "$1/usr/sbin/policy-rc.d"')
    command += [options.suite, archive, *(f"deb {mirror} {part}" for mirror, part in zip(mirrors, components))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.splitlines()[-15:])
        raise EngineError(f"cannot make the base image of {options.suite} from {options.mirror}; the end of mmdebstrap's log:\n{tail}")
