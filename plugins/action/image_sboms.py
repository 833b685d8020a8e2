# SPDX-License-Identifier: Apache-2.0
"""Write the bills of materials of images on the controller, from what the build host finds in them."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.caisson.openstack.plugins.module_utils.images import sbom


class ActionModule(ActionBase):
    """Calls the module of the same name: once to find what is missing, once more to write it."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the result of the module, with the names of the documents that were made."""
        super().run(tmp, task_vars)
        found = self._call({}, task_vars)
        stale = found.pop("stale", {})
        if found.get("failed") or not stale:
            return found
        if sbom.LIBRARY_ERROR:
            raise AnsibleActionFail(f"the controller lacks a library (pip install cyclonedx-python-lib): {sbom.LIBRARY_ERROR}")
        if self._task.check_mode:
            return {**found, "made": sorted(stale)}
        version = str(self._task.args["version"])
        documents = {name: sbom.document(name, version, item["id"], item["dpkg"], item["python"]) for name, item in stale.items()}
        written = self._call(documents, task_vars)
        written.pop("stale", None)
        return {**found, **written, "made": sorted(documents)}

    def _call(self, documents: dict[str, str], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        args = {**self._task.args, "documents": documents}
        return self._execute_module(module_name="caisson.openstack.image_sboms", module_args=args, task_vars=task_vars)
