# SPDX-License-Identifier: Apache-2.0
"""Names of containers for monitoring: exporters that may not ask the engine know containers by their ids only."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.common import atomic_write
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs

#: Read by the node exporter, which is not root. Not below /run: containers keep their ids when the host boots.
PATH = pathlib.Path("/var/lib/caisson/metrics/containers.prom")
_HEAD = """\
# HELP caisson_container_info A container that the definitions have for this host.
# TYPE caisson_container_info gauge
"""


def text(labels: t.Mapping[str, t.Mapping[str, str]]) -> str:
    """Return the metric ``caisson_container_info`` of the containers with these *labels*, by id."""
    rows = sorted((of[specs.LABEL_CONTAINER], of.get(specs.LABEL_SERVICE, ""), number) for number, of in labels.items())
    lines = [f'caisson_container_info{{id="{number}",name="{name}",service="{service}"}} 1\n' for name, service, number in rows]
    return _HEAD + "".join(lines)


def write(engine: Engine, cloud: str, path: pathlib.Path = PATH) -> None:
    """Write the names of all containers of *cloud* that this host has, unless the file says so already.

    Raises:
        EngineError: if the engine does not answer.
        OSError: if the file system refuses.
    """
    wanted = text(engine.labels([f"{specs.LABEL_CLOUD}={cloud}", specs.LABEL_CONTAINER]))
    with contextlib.suppress(FileNotFoundError):
        if path.read_text(encoding="utf-8") == wanted:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    atomic_write.write(path, wanted, mode=0o644)
