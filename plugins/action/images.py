# SPDX-License-Identifier: Apache-2.0
"""Build the images of the play's roles, a batch at a time, and say how far it is."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible.utils.display import Display

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.images import recipes as images
from ansible_collections.caisson.openstack.plugins.plugin_utils.model import play_roles

#: Images of one call of the module: few enough to show progress, enough to keep the build host busy.
_BATCH = 6

#: The image that all others stand on: a root file system made here, or the one that the operator names.
_ROOT = "debian"

_display = Display()


class ActionModule(ActionBase):
    """Renders the recipes on the controller; the module of the same name builds on the host."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module, with the images of all its calls."""
        super().run(tmp, task_vars)
        self._vars = dict(task_vars or {})
        try:
            recipes = self._recipes()
        except (images.ImageError, dataclass_spec.SchemaError, AnsibleError) as error:
            raise AnsibleActionFail(f"the definitions of the images are not valid: {error}") from error
        merged = self._call(recipes, [])
        if merged.get("failed"):
            return merged
        results = {item["name"]: item for item in merged["results"]}
        needed = [recipe for recipe in recipes if results[recipe.name]["reasons"]]
        lines = [f"{recipe.name}: {', '.join(results[recipe.name]['reasons'])}\n" for recipe in needed]
        merged["diff"] = {"before": "", "after": "".join(lines)}
        merged["changed"] = bool(needed)
        if self._task.check_mode:
            return merged
        done = 0
        for batch in images.batches(needed, _BATCH):
            names = [recipe.name for recipe in batch]
            self._say(f"building {done + 1} to {done + len(names)} of {len(needed)} images: {', '.join(names)}")
            result = self._call(recipes, names)
            if result.get("failed"):
                return {**merged, **result}
            results.update({item["name"]: item for item in result["results"] if item["built"]})
            done += len(names)
        merged["results"] = list(results.values())
        return merged

    def _say(self, text: str) -> None:
        _display.display(f"{self._vars['inventory_hostname']}: {text}")

    def _call(self, recipes: list[images.Recipe], names: list[str]) -> dict[str, t.Any]:
        args = {"version": images.collection_version(), **self._task.args, "recipes": [vars(recipe) for recipe in recipes], "build": names}
        return self._execute_module(module_name="caisson.openstack.images", module_args=args, task_vars=self._vars)

    # -- recipes ------------------------------------------------------------------------------------------------

    def _recipes(self) -> list[images.Recipe]:
        """Return the recipe of each image that a role of the play defines, parents first."""
        found: list[tuple[pathlib.Path, images.Image]] = []
        own = play_roles.in_play(self._task.get_play())
        for name, path in own.items():
            items = play_roles.template(self._templar, self._vars.get(f"{name}_images", []), self._vars)
            found += [(path, dataclass_spec.load(images.Image, item, f"{name}_images")) for item in items]
        prefix, tag = self._task.args["image_prefix"], self._task.args["image_tag"]
        self._references = {image.name: f"{prefix}{image.name}:{tag}" for _path, image in found}
        if self._task.args.get("base_image"):
            self._references[_ROOT] = str(self._task.args["base_image"])
        images.locks(str(self._task.args["release"]))
        self._common = own["images"]
        return images.order([self._recipe(path, image) for path, image in found])

    def _recipe(self, role: pathlib.Path, image: images.Image) -> images.Recipe:
        reference = self._references[image.name]
        if image.name == _ROOT:
            return self._root_recipe(reference)
        context = {f"root{file.path}": self._content(role, file) for file in image.files}
        context |= {path: self._file(path) for path in image.context}
        path = role / "templates" / image.template if image.template else self._common / "templates" / "Containerfile.j2"
        variables = {**self._vars, "image": image, "references": self._references}
        return images.Recipe(
            name=image.name,
            reference=reference,
            containerfile=str(play_roles.template(self._templar, trust_as_template(path.read_text(encoding="utf-8")), variables)),
            context=context,
            parents={name: self._references.get(name, "") for name in (image.parent, *image.uses)},
            labels=self._release_labels(image),
        )

    def _release_labels(self, image: images.Image) -> dict[str, str]:
        """Return the labels of what holds the packages of a release; images that are made from it inherit them."""
        release = str(self._task.args["release"])
        for name, text in images.locks(release).items():
            if name.endswith(f"{release}.txt") and f"locks/{name}" in image.context:
                return {images.LABEL_RELEASE: release, images.LABEL_LOCK: images.digest(text)}
        return {}

    def _root_recipe(self, reference: str) -> images.Recipe:
        if self._task.args.get("base_image"):
            return images.Recipe(name=_ROOT, reference=reference, kind="existing")
        context = {path: self._file(path) for path in ("base/apt.conf", "base/dpkg.cfg")}
        context |= {option: str(self._task.args.get(option)) for option in ("suite", "mirror", "security_mirror")}
        return images.Recipe(name=_ROOT, reference=reference, kind="bootstrap", context=context)

    @staticmethod
    def _content(role: pathlib.Path, file: images.ImageFile) -> str:
        return (role / "files" / file.source).read_text(encoding="utf-8") if file.source else file.content

    def _file(self, path: str) -> str:
        return (self._common / "files" / path).read_text(encoding="utf-8")
