# SPDX-License-Identifier: Apache-2.0
"""The file by which monitoring knows the names of containers."""

from __future__ import annotations

import os
import pathlib
import stat
import typing as t

from ansible_collections.caisson.openstack.plugins.module_utils.engine import metrics
from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec


class Client:
    """In the place of the engine's client: it knows the containers that the test says."""

    def __init__(self) -> None:
        self.rows = [_row("b" * 64, "two", "nova"), _row("a" * 64, "one", "nova")]

    def containers(self, **options: t.Any) -> list[dict[str, t.Any]]:
        assert options == {"all": True, "filters": {"label": ["org.caisson.cloud=mine", "org.caisson.container"]}}
        return self.rows


def _row(number: str, name: str, service: str) -> dict[str, t.Any]:
    return {"Id": number, "Labels": {spec.LABEL_CONTAINER: name, spec.LABEL_SERVICE: service}}


def _line(number: str, name: str) -> str:
    return f'caisson_container_info{{id="{number * 64}",name="{name}",service="nova"}} 1'


def test_every_container_has_its_line_and_the_file_follows(tmp_path: pathlib.Path) -> None:
    client, path = Client(), tmp_path / "metrics" / "containers.prom"
    metrics.write(Engine(client), "mine", path)
    assert path.read_text().splitlines()[2:] == [_line("a", "one"), _line("b", "two")]
    del client.rows[1]
    metrics.write(Engine(client), "mine", path)
    assert path.read_text().splitlines()[2:] == [_line("b", "two")]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_exporter_that_is_not_root_can_read_it(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "metrics" / "containers.prom"
    before = os.umask(0o077)
    try:
        metrics.write(Engine(Client()), "mine", path)
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path.parent, path)] == [0o755, 0o644]


def test_a_file_that_says_it_already_is_left_alone(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "containers.prom"
    metrics.write(Engine(Client()), "mine", path)
    before = path.stat()
    metrics.write(Engine(Client()), "mine", path)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
