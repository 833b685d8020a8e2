# SPDX-License-Identifier: Apache-2.0
"""Which images there are, what each is made from, and which have to be built. Pure, but for reading the locks."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils import graph

LABEL_INPUTS = "org.caisson.inputs"

_ROLE = pathlib.Path(__file__).resolve().parents[2] / "roles" / "images"
_LOCKS = _ROLE / "files" / "locks"


class ImageError(ValueError):
    """The images cannot be what is asked for; the message says why."""


@dataclasses.dataclass
class ImageUser:
    """The user that the processes of an image run as."""

    name: str
    id: int
    home: str = ""


@dataclasses.dataclass
class ImageFile:
    """A file that an image holds."""

    path: str
    content: str
    mode: str = "0644"


@dataclasses.dataclass
class Image:
    """What an image is made from."""

    name: str
    parent: str = ""
    template: str = ""
    user: t.Optional[ImageUser] = None
    directories: list[str] = dataclasses.field(default_factory=list)
    packages: list[str] = dataclasses.field(default_factory=list)
    run: list[str] = dataclasses.field(default_factory=list)
    files: list[ImageFile] = dataclasses.field(default_factory=list)
    uses: list[str] = dataclasses.field(default_factory=list)
    context: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Recipe:
    """Everything that goes into building one image.

    ``context`` maps a path in the build context to its text; ``inputs`` digests all of it and the parents' inputs.
    """

    name: str
    reference: str
    containerfile: str
    context: dict[str, str]
    parents: list[str]
    inputs: dict[str, str] = dataclasses.field(default_factory=dict)


def releases() -> list[str]:
    """Return the releases that have locks, oldest first."""
    return sorted(path.stem for path in _LOCKS.glob("2*.txt"))


def locks(release: str) -> dict[str, str]:
    """Return the locks of *release* by file name.

    Raises:
        ImageError: if there is no such release.
    """
    if release not in releases():
        near = difflib.get_close_matches(release, releases(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ImageError(f"release '{release}' is not known{hint} Known releases: {', '.join(releases())}")
    names = [f"{release}.txt", f"horizon-{release}.txt", "libvirt.txt", "build.txt", "tools.txt"]
    return {name: (_LOCKS / name).read_text(encoding="utf-8") for name in names}


def tag(release: str) -> str:
    """Return the tag of the images of *release*."""
    text = json.dumps(locks(release), sort_keys=True)
    return f"{release}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def order(recipes: t.Sequence[Recipe]) -> list[Recipe]:
    """Return *recipes* so that parents come first, with ``inputs`` filled in.

    Raises:
        ImageError: if a parent is missing or images are made from each other.
    """
    by_name = {recipe.name: recipe for recipe in recipes}
    for recipe in recipes:
        for parent in recipe.parents:
            if parent not in by_name:
                raise ImageError(f"image {recipe.name} is made from {parent}, which is not defined")
    try:
        names = graph.order({recipe.name: recipe.parents for recipe in recipes})
    except graph.CycleError as error:
        raise ImageError(f"images are made from each other: {error}") from error
    for name in names:
        recipe = by_name[name]
        recipe.inputs = {"Containerfile": _hash(recipe.containerfile)}
        recipe.inputs |= {path: _hash(text) for path, text in sorted(recipe.context.items())}
        recipe.inputs |= {f"image {parent}": _hash(json.dumps(by_name[parent].inputs, sort_keys=True)) for parent in recipe.parents}
    return [by_name[name] for name in names]


def reasons(recipe: Recipe, present: str | None) -> list[str]:
    """Return why *recipe* has to be built; *present* is the inputs label of the image that exists, if any."""
    if present is None:
        return ["it does not exist"]
    try:
        current = json.loads(present)
    except ValueError:
        return ["it was built by something else"]
    names = sorted(current.keys() | recipe.inputs.keys())
    return [f"{name} changed" for name in names if current.get(name) != recipe.inputs.get(name)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
