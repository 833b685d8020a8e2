# SPDX-License-Identifier: Apache-2.0
"""Which images have to be built, and why."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes as images
from ansible_collections.caisson.openstack.plugins.module_utils.images.recipes import Present, Recipe

ROOT, BASE, APP = "root", "base", "app"


def recipes(**changes: str) -> list[Recipe]:
    """Return a chain of three recipes in order; *changes* replace Containerfiles by image name."""
    texts = {ROOT: "", BASE: "FROM root", APP: "FROM base", **changes}
    return images.order(
        [
            Recipe(name=APP, reference="x/app:1", containerfile=texts[APP], context={"file": "text"}, parents={BASE: "x/base:1"}),
            Recipe(name=BASE, reference="x/base:1", containerfile=texts[BASE], parents={ROOT: "x/root:1"}),
            Recipe(name=ROOT, reference="x/root:1", kind="bootstrap", context={"suite": "trixie"}),
        ]
    )


def built(made: list[Recipe]) -> dict[str, Present]:
    """Return the images as they are after *made* were built."""
    ids = {recipe.name: f"sha256:{index:064x}" for index, recipe in enumerate(made)}
    return {recipe.name: Present(ids[recipe.name], images.label(recipe, ids)) for recipe in made}


def test_parents_come_first() -> None:
    assert [recipe.name for recipe in recipes()] == [ROOT, BASE, APP]


def test_what_was_built_from_the_same_inputs_is_left_alone() -> None:
    assert images.plan(recipes(), built(recipes())) == {ROOT: [], BASE: [], APP: []}


def test_what_is_missing_is_built_with_what_stands_on_it() -> None:
    present = built(recipes())
    del present[BASE]
    assert images.plan(recipes(), present) == {ROOT: [], BASE: ["it does not exist"], APP: ["image base is rebuilt"]}


def test_all_are_missing() -> None:
    assert set(map(tuple, images.plan(recipes(), {}).values())) == {("it does not exist",)}


def test_a_changed_recipe_is_named() -> None:
    reasons = images.plan(recipes(base="FROM root\nRUN true"), built(recipes()))
    assert reasons == {ROOT: [], BASE: ["Containerfile changed"], APP: ["image base is rebuilt"]}


def test_a_changed_file_is_named() -> None:
    made = recipes()
    made[-1].context["file"] = "other text"
    assert images.plan(images.order(made), built(recipes()))[APP] == ["file changed"]


def test_a_parent_that_somebody_replaced_counts() -> None:
    present = built(recipes())
    present[BASE] = Present("sha256:" + "f" * 64, present[BASE].inputs)
    assert images.plan(recipes(), present) == {ROOT: [], BASE: [], APP: ["image base changed"]}


def test_a_refresh_rebuilds_everything() -> None:
    reasons = images.plan(recipes(), built(recipes()), refresh=True)
    assert reasons == {ROOT: ["a refresh was requested"], BASE: ["image root is rebuilt"], APP: ["image base is rebuilt"]}


def test_an_image_of_the_operator_needs_no_label() -> None:
    made = recipes()
    made[0] = Recipe(name=ROOT, reference="debian:trixie", kind="existing")
    present = built(made)
    present[ROOT] = Present(present[ROOT].id, "")
    assert images.plan(made, present) == {ROOT: [], BASE: [], APP: []}


@pytest.mark.parametrize("label", ["", "no json"])
def test_an_image_without_a_label_was_built_by_something_else(label: str) -> None:
    present = built(recipes())
    present[BASE] = Present(present[BASE].id, label)
    assert images.plan(recipes(), present)[BASE] == ["it was not built by this collection"]


@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8), max_size=4), st.text(min_size=1, max_size=8), st.text())
def test_every_change_of_the_context_counts(context: dict[str, str], path: str, text: str) -> None:
    def recipe(content: dict[str, str]) -> list[Recipe]:
        return images.order([Recipe(name=APP, reference="x/app:1", containerfile="FROM scratch", context=content)])

    changed = {**context, path: text}
    reasons = images.plan(recipe(changed), built(recipe(context)))[APP]
    assert reasons == ([] if changed == context else [f"{path} changed"])


def test_batches_hold_what_can_be_built_together_longest_chain_first() -> None:
    made = [
        Recipe(name="leaf", reference="x/leaf:1", parents={"root": ""}),
        Recipe(name="middle", reference="x/middle:1", parents={"root": ""}),
        Recipe(name="top", reference="x/top:1", parents={"middle": ""}),
        Recipe(name="root", reference="x/root:1"),
    ]
    names = [[recipe.name for recipe in batch] for batch in images.batches(images.order(made), 2)]
    assert names == [["root"], ["middle", "leaf"], ["top"]]
    assert [len(batch) for batch in images.batches(images.order(made)[1:], 1)] == [1, 1, 1]


def test_an_unknown_parent_is_named() -> None:
    with pytest.raises(images.ImageError, match="image app is made from bse, which is not defined"):
        images.order([Recipe(name=APP, reference="x/app:1", parents={"bse": ""})])


def test_a_circle_is_named() -> None:
    with pytest.raises(images.ImageError, match="depend on each other: a -> b -> a"):
        images.order([Recipe(name="a", reference="a:1", parents={"b": ""}), Recipe(name="b", reference="b:1", parents={"a": ""})])


@pytest.mark.parametrize("release", images.releases())
def test_each_release_has_its_locks_and_its_tag(release: str) -> None:
    assert {f"{release}.txt", f"horizon-{release}.txt", "tempest.txt"} <= images.locks(release).keys()
    assert re.fullmatch(rf"{re.escape(release)}-[0-9a-f]{{8}}", images.tag(release))


def test_releases_have_different_tags() -> None:
    assert images.releases() == ["2025.2", "2026.1", "2026.2"]
    assert len({images.tag(release).rpartition("-")[2] for release in images.releases()}) == 3


def test_every_pin_of_a_lock_has_a_hash() -> None:
    for release in images.releases():
        for name, text in images.locks(release).items():
            pins = re.findall(r"^(\S+)==\S+( \\\n    --hash=sha256:[0-9a-f]{64})?", text, re.MULTILINE)
            assert pins and all(hashed for _package, hashed in pins), name


def test_an_unknown_release_is_refused_with_the_nearest() -> None:
    known = r"Known releases: 2025\.2, 2026\.1, 2026\.2"
    with pytest.raises(images.ImageError, match=rf"release '2026\.3' is not known; did you mean 2026\.[12]\? {known}"):
        images.tag("2026.3")
    with pytest.raises(images.ImageError, match=rf"release 'zed' is not known\. {known}"):
        images.tag("zed")


def test_the_versions_of_packages_are_those_of_the_lock_that_an_image_was_built_with() -> None:
    (release, *_more) = images.releases()
    found = images.packages(release, images.digest(images.locks(release)[f"{release}.txt"]))
    assert {"nova", "openstack-placement", "oslo-messaging"} <= found.keys()
    assert all(re.fullmatch(r"[0-9][0-9a-z.!+]*", version) for version in found.values())


@pytest.mark.parametrize(("release", "lock"), [("2026.1", "of another time"), ("2026.1", ""), ("1999.1", "x"), ("", "")])
def test_a_lock_that_is_not_here_has_no_known_versions(release: str, lock: str) -> None:
    assert images.packages(release, lock) == {}
