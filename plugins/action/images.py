# SPDX-License-Identifier: Apache-2.0
"""Build the images of the play's roles, a batch at a time, and say how far it is."""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import trust_as_template
from ansible.utils.display import Display

from ansible_collections.caisson.openstack.plugins.module_utils import images, roles, sbom, schema

#: Images of one call of the module: few enough to show progress, enough to keep the build host busy.
_BATCH = 4

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
        except (images.ImageError, schema.SchemaError, AnsibleError) as error:
            raise AnsibleActionFail(f"the definitions of the images are not valid: {error}") from error
        merged = self._call(recipes, [])
        if merged.get("failed"):
            return merged
        results = {item["name"]: item for item in merged["results"]}
        needed = [recipe for recipe in recipes if results[recipe.name]["reasons"]]
        merged["diff"] = {"before": "", "after": "".join(f"{recipe.name}: {', '.join(results[recipe.name]['reasons'])}\n" for recipe in needed)}
        merged["changed"] = bool(needed)
        if self._task.check_mode:
            return merged
        done = 0
        for batch in _batches(needed):
            names = [recipe.name for recipe in batch]
            self._say(f"building {done + 1} to {done + len(names)} of {len(needed)} images: {', '.join(names)}")
            result = self._call(recipes, names)
            if result.get("failed"):
                return {**merged, **result}
            self._keep_sbom(result.get("packages", {}))
            results.update({item["name"]: item for item in result["results"] if item["built"]})
            done += len(names)
        merged["results"] = list(results.values())
        return merged

    def _say(self, text: str) -> None:
        _display.display(f"{self._vars['inventory_hostname']}: {text}")

    def _call(self, recipes: list[images.Recipe], names: list[str]) -> dict[str, t.Any]:
        args = {**self._task.args, "recipes": [vars(recipe) for recipe in recipes], "build": names}
        return self._execute_module(module_name="caisson.openstack.images", module_args=args, task_vars=self._vars)

    def _keep_sbom(self, packages: dict[str, dict[str, str]]) -> None:
        directory = self._task.args.get("sbom_dir")
        for name, found in packages.items():
            sbom.write(pathlib.Path(str(directory)) / f"{name}.cdx.json", name, str(self._task.args["image_tag"]), found["dpkg"], found["python"])

    # -- recipes ------------------------------------------------------------------------------------------------

    def _recipes(self) -> list[images.Recipe]:
        """Return the recipe of each image that a role of the play defines, parents first."""
        found: list[tuple[pathlib.Path, images.Image]] = []
        own = roles.in_play(self._task.get_play())
        for name, path in own.items():
            for item in roles.template(self._templar, self._vars.get(f"{name}_images", []), self._vars):
                found.append((path, schema.load(images.Image, item, f"{name}_images")))
        prefix, tag = self._task.args["image_prefix"], self._task.args["image_tag"]
        references = {image.name: f"{prefix}{image.name}:{tag}" for _path, image in found}
        images.locks(str(self._task.args["release"]))
        return images.order([self._recipe(path, own["images"], image, references) for path, image in found])

    def _recipe(self, role: pathlib.Path, common: pathlib.Path, image: images.Image, references: dict[str, str]) -> images.Recipe:
        context = {f"root{file.path}": file.content for file in image.files}
        context |= {path: (common / "files" / path).read_text(encoding="utf-8") for path in image.context}
        parents = [*([image.parent] if image.parent else []), *image.uses]
        return images.Recipe(
            name=image.name,
            reference=references[image.name],
            containerfile=self._containerfile(role, common, image, references),
            context=context,
            parents=list(dict.fromkeys(parents)),
        )

    def _containerfile(self, role: pathlib.Path, common: pathlib.Path, image: images.Image, references: dict[str, str]) -> str:
        if not image.parent:
            base = self._task.args.get("base_image")
            return f"FROM {base}\n" if base else ""
        path = role / "templates" / image.template if image.template else common / "templates" / "Containerfile.j2"
        variables = {**self._vars, "image": image, "references": references}
        return str(roles.template(self._templar, trust_as_template(path.read_text(encoding="utf-8")), variables))


def _batches(recipes: list[images.Recipe]) -> t.Iterator[list[images.Recipe]]:
    """Yield *recipes* in batches of which no image needs another of its own batch."""
    waiting = list(recipes)
    while waiting:
        names = {recipe.name for recipe in waiting}
        batch = [recipe for recipe in waiting if not names.intersection(recipe.parents)][:_BATCH]
        yield batch
        waiting = [recipe for recipe in waiting if recipe not in batch]
