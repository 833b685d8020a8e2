# SPDX-License-Identifier: Apache-2.0
"""Which images there are, what each is made from, and which have to be built. Pure, but for reading the locks."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import pathlib
import re
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import graph

LABEL_INPUTS = "org.caisson.inputs"
LABEL_RELEASE = "org.caisson.release"
LABEL_LOCK = "org.caisson.lock"

_COLLECTION = pathlib.Path(__file__).resolve().parents[3]
_LOCKS = _COLLECTION / "roles" / "images" / "files" / "locks"


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
    """A file that an image holds: ``content``, or ``source``, a file in ``files/`` of the role that defines the image."""

    path: str
    content: str = ""
    source: str = ""
    mode: str = "0644"


@dataclasses.dataclass
class ImageCopy:
    """A file that comes from another image, one of those in ``uses``."""

    image: str
    source: str
    path: str


@dataclasses.dataclass
class Image:
    """What an image is made from; ``programs`` are those that a test looks for in it."""

    name: str
    parent: str = ""
    template: str = ""
    user: t.Optional[ImageUser] = None
    directories: list[str] = dataclasses.field(default_factory=list)
    packages: list[str] = dataclasses.field(default_factory=list)
    run: list[str] = dataclasses.field(default_factory=list)
    files: list[ImageFile] = dataclasses.field(default_factory=list)
    uses: list[str] = dataclasses.field(default_factory=list)
    copies: list[ImageCopy] = dataclasses.field(default_factory=list)
    context: list[str] = dataclasses.field(default_factory=list)
    programs: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Recipe:
    """Everything that goes into building one image.

    ``kind`` is ``build``, or, for the image that all others stand on, ``bootstrap`` (a Debian root file system is made)
    or ``existing`` (the operator named it). ``context`` maps a path in the build context to its text, ``parents`` the
    name of each image that goes in to its reference, ``inputs`` each input but the parents to its digest. ``labels`` are
    put on the image and count as no input.
    """

    name: str
    reference: str
    kind: t.Literal["build", "bootstrap", "existing"] = "build"
    containerfile: str = ""
    context: dict[str, str] = dataclasses.field(default_factory=dict)
    parents: dict[str, str] = dataclasses.field(default_factory=dict)
    inputs: dict[str, str] = dataclasses.field(default_factory=dict)
    labels: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Present:
    """An image that is on the host: its id and its inputs label."""

    id: str
    inputs: str = ""


def releases() -> list[str]:
    """Return the releases that have locks, oldest first."""
    return sorted(path.stem for path in _LOCKS.glob("2*.txt"))


def collection_version() -> str:
    """Return the version of the collection, installed or in a source tree."""
    manifest, source = _COLLECTION / "MANIFEST.json", _COLLECTION / "galaxy.yml"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    found = re.search(r"^version: *(\S+)", source.read_text(encoding="utf-8"), re.MULTILINE) if source.is_file() else None
    return found.group(1) if found else ""


def locks(release: str) -> dict[str, str]:
    """Return the locks of *release* by file name.

    Raises:
        ImageError: if there is no such release.
    """
    if release not in releases():
        near = difflib.get_close_matches(release, releases(), n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise ImageError(f"release '{release}' is not known{hint} Known releases: {', '.join(releases())}")
    names = [f"{release}.txt", f"horizon-{release}.txt", "tempest.txt", "libvirt.txt", "build.txt", "tools.txt"]
    return {name: (_LOCKS / name).read_text(encoding="utf-8") for name in names}


def packages(release: str, lock: str) -> dict[str, str]:
    """Return the versions by name of the packages of *release*, if its lock here is the one with this digest, else nothing."""
    path = _LOCKS / f"{release}.txt"
    text = path.read_text(encoding="utf-8") if release and path.is_file() else ""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)) if text and digest(text) == lock else {}


def tag(release: str) -> str:
    """Return the tag of the images of *release*."""
    return f"{release}-{digest(json.dumps(locks(release), sort_keys=True))}"


def digest(text: str) -> str:
    """Return the short digest of a lock, or of all locks."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def release(labels: t.Mapping[str, str]) -> str:
    """Return the release that an image is of, by its labels; empty if it has no lock of its own, and so is the same in all releases."""
    return labels.get(LABEL_RELEASE, "") if labels.get(LABEL_LOCK) else ""


def is_release_tag(reference: str) -> bool:
    """Return whether the tag of *reference* is one that :func:`tag` makes."""
    return re.search(r":\d{4}\.\d-[0-9a-f]{8}$", reference) is not None


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
        raise ImageError(f"images depend on each other: {error}") from error
    for recipe in recipes:
        if recipe.containerfile:
            recipe.inputs["Containerfile"] = _hash(_without_tags(recipe))
        recipe.inputs |= {path: _hash(text) for path, text in sorted(recipe.context.items())}
    return [by_name[name] for name in names]


def batches(recipes: t.Sequence[Recipe], size: int) -> list[list[Recipe]]:
    """Return *recipes* in batches of at most *size*, of which none needs another of its own batch.

    What the longest chain of others waits for comes first.
    """
    children = {recipe.name: [other.name for other in recipes if recipe.name in other.parents] for recipe in recipes}
    heights: dict[str, int] = {}
    for name in reversed(graph.order({recipe.name: recipe.parents for recipe in recipes})):
        heights[name] = 1 + max((heights[child] for child in children[name]), default=0)
    waiting = sorted(recipes, key=lambda recipe: -heights[recipe.name])
    found = []
    while waiting:
        names = {recipe.name for recipe in waiting}
        found.append([recipe for recipe in waiting if names.isdisjoint(recipe.parents)][:size])
        waiting = [recipe for recipe in waiting if recipe not in found[-1]]
    return found


def label(recipe: Recipe, parent_ids: t.Mapping[str, str]) -> str:
    """Return the inputs label of an image that is built from *recipe* on parents with these ids."""
    return json.dumps(_all_inputs(recipe, parent_ids), sort_keys=True)


def plan(recipes: t.Sequence[Recipe], present: t.Mapping[str, Present], refresh: bool = False) -> dict[str, list[str]]:
    """Return why each of *recipes*, parents first, has to be built; no reasons if it has not.

    Args:
        present: the images of that name which are on the host.
        refresh: whether what all images stand on is fetched anew, for the updates of the distribution.
    """
    reasons: dict[str, list[str]] = {}
    for recipe in recipes:
        reasons[recipe.name] = _reasons(recipe, present, refresh)
        if recipe.name in present:
            reasons[recipe.name] += [f"image {parent} is rebuilt" for parent in recipe.parents if reasons[parent]]
    return reasons


def _reasons(recipe: Recipe, present: t.Mapping[str, Present], refresh: bool) -> list[str]:
    own = present.get(recipe.name)
    if own is None:
        return ["it does not exist"]
    if recipe.kind != "build" and refresh:
        return ["a refresh was requested"]
    if recipe.kind == "existing":
        return []
    try:
        current = json.loads(own.inputs)
    except ValueError:
        return ["it was not built by this collection"]
    ids = {name: present[name].id for name in recipe.parents if name in present}
    desired = _all_inputs(recipe, ids)
    names = sorted(current.keys() | desired.keys())
    return [f"{name} changed" for name in names if current.get(name) != desired.get(name) and name not in _absent(recipe, ids)]


def _absent(recipe: Recipe, ids: t.Mapping[str, str]) -> set[str]:
    """Return the inputs that cannot be compared, as the parent is not there; that it gets built is the reason then."""
    return {f"image {name}" for name in recipe.parents if name not in ids}


def _all_inputs(recipe: Recipe, parent_ids: t.Mapping[str, str]) -> dict[str, str]:
    short = {f"image {name}": parent_ids[name].removeprefix("sha256:")[:12] for name in recipe.parents if name in parent_ids}
    return {**recipe.inputs, **short}


def _without_tags(recipe: Recipe) -> str:
    """Return the Containerfile with names in the place of parents' references: what the images are called is no input."""
    text = recipe.containerfile
    for name, reference in recipe.parents.items():
        text = text.replace(reference, name) if reference else text
    return text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
