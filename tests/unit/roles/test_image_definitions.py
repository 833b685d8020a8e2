# SPDX-License-Identifier: Apache-2.0
"""Every image of every role is valid and its Containerfile renders, for each release."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from packaging.requirements import Requirement

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles
from tests.definitions import definitions

ROLES = pathlib.Path(__file__).parents[3] / "roles"
COMMON = ROLES / "images"


def template(value: t.Any, **variables: t.Any) -> t.Any:
    return play_roles.template(Templar(loader=DataLoader(), variables=variables), value, variables)


def trusted(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [trusted(item) for item in value]
    return trust_as_template(value) if isinstance(value, str) else value


def defined(release: str) -> list[tuple[pathlib.Path, recipes.Image]]:
    """Return the role and the definition of each image."""
    found = []
    for path in sorted([*ROLES.glob("*/vars/main/images.yml"), COMMON / "vars" / "main.yml"]):
        role = ROLES / path.relative_to(ROLES).parts[0]
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        items = template(trusted(data[f"{role.name}_images"]), cloud_release=release)
        found += [(role, dataclass_spec.load(recipes.Image, item, f"{role.name}_images")) for item in items]
    return found


def rendered(release: str) -> dict[str, tuple[recipes.Image, str]]:
    """Return the Containerfile of each image that is built from one."""
    references = {image.name: f"caisson/{image.name}:1" for _role, image in defined(release)}
    result = {}
    for role, image in defined(release):
        if image.parent:
            path = role / "templates" / image.template if image.template else COMMON / "templates" / "Containerfile.j2"
            text = trust_as_template(path.read_text(encoding="utf-8"))
            result[image.name] = image, template(text, image=image, references=references, cloud_release=release)
    return result


@pytest.mark.parametrize("release", recipes.releases())
def test_containerfiles_are_made_from_known_images_and_files(release: str) -> None:
    for name, (image, text) in rendered(release).items():
        instructions = [line.split()[0] for line in re.sub(r"\\\n", "", text).splitlines() if line.strip() and not line.startswith("#")]
        assert instructions[0] == "FROM", name
        assert set(instructions) <= {"FROM", "LABEL", "USER", "ENV", "COPY", "RUN", "ONBUILD"}, name
        bases = re.findall(r"^FROM caisson/(\w+):1", text, re.MULTILINE)
        sources = re.findall(r"^COPY --from=caisson/(\w+):1", text, re.MULTILINE)
        assert {*bases, *sources} == {image.parent, *image.uses}, name
        assert bases[-1] == image.parent, name


@pytest.mark.parametrize("release", recipes.releases())
def test_context_files_exist(release: str) -> None:
    for _role, image in defined(release):
        for path in image.context:
            assert (COMMON / "files" / path).is_file(), (image.name, path)


@pytest.mark.parametrize("release", recipes.releases())
def test_users_have_ids_of_their_own_and_the_last_word(release: str) -> None:
    """User and group ids are an interface, as volumes outlive images: docs/images.md lists them."""
    users = {(image.user.name, image.user.id) for _role, image in defined(release) if image.user}
    assert len({name for name, _id in users}) == len({number for _name, number in users}) == len(users)
    assert all(42400 <= number < 42500 for _name, number in users)
    for name, (image, text) in rendered(release).items():
        if image.user:
            assert re.findall(r"^USER (\S+)", text, re.MULTILINE)[-1] == f"{image.user.id}:{image.user.id}", name


def test_containers_run_as_the_user_of_their_image() -> None:
    """The definition says it once more, because files of the host belong to that user."""
    images = {image.name: image for _role, image in defined("2026.1")}

    def user(image: recipes.Image) -> str:
        if not image.user:
            return user(images[image.parent]) if image.parent in images else "0:0"
        return f"{image.user.id}:{image.user.id}"

    for role, definition in definitions().items():
        for item in definition["containers"]:
            if "{{" not in item["image"] and item.get("user", "0:0") != "0:0":
                assert item["user"] == user(images[item["image"]]), (role, item["name"])


def test_images_of_containers_say_what_programs_they_must_have() -> None:
    images = {image.name: image for _role, image in defined("2026.1")}
    used = {item["image"] for definition in definitions().values() for item in definition["containers"]}
    assert [name for name in sorted(used) if not images[name].programs] == []


def test_locks_have_what_services_require() -> None:
    """Otherwise run playbooks/lock.yml."""
    found = 0
    for path in sorted(ROLES.glob("*/vars/main/images.yml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for item in data.get(f"{path.parts[-4]}_requirements", []):
            requirement = Requirement(item["package"])
            lock = (COMMON / "files/locks" / f"{item['lock']}.txt").read_text(encoding="utf-8")
            pinned = re.search(rf"^{requirement.name}==(\S+)", lock, re.MULTILINE)
            assert pinned and requirement.specifier.contains(pinned[1]), (path, item)
            found += 1
    assert found


def test_stages_of_the_builder_are_marked_for_removal() -> None:
    for name, (_image, text) in rendered("2026.1").items():
        for stage in re.findall(r"^FROM \S+ AS \w+\n(.*)\n", text, re.MULTILINE):
            assert stage == "LABEL org.caisson.stage=true", name


def test_names_are_unique() -> None:
    names = [image.name for _role, image in defined("2026.1")]
    assert len(names) == len(set(names))
