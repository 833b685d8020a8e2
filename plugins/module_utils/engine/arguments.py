# SPDX-License-Identifier: Apache-2.0
"""Argument specs that several modules share; the documentation fragments of the same names describe the options."""

from __future__ import annotations

import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import dataclass_spec
from ansible_collections.caisson.openstack.plugins.module_utils.engine import address
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec, JobSpec

Spec = dict[str, dict[str, t.Any]]

#: How to reach the container engine of the host.
ENGINE: Spec = address.ARGUMENT_SPEC
#: The cloud whose containers a module works on.
CLOUD: Spec = {"cloud": {"type": "str", "required": True}}
#: Configuration files as the model packs them, and where they live on the host.
FILES: Spec = {"files": {"type": "str", "required": True, "no_log": True}, "root": {"type": "path", "default": "/etc/caisson"}}
#: How long a call may take, and how much it does at the same time.
PROGRESS: Spec = {
    "patience": {"type": "int", "default": 600},
    "elapsed": {"type": "int", "default": 0},
    "parallel": {"type": "int", "default": 8},
    "starting": {"type": "list", "elements": "str", "default": []},
}
#: Jobs as the model makes them.
JOBS: Spec = {"jobs": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(JobSpec)}}
#: Containers and jobs as the model makes them.
SPECIFICATIONS: Spec = {
    "containers": {"type": "list", "elements": "dict", "default": [], "options": dataclass_spec.argument_spec(ContainerSpec)},
    **JOBS,
}
