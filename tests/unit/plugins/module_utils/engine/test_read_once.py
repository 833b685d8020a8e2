# SPDX-License-Identifier: Apache-2.0
"""To compare a host costs one question for each container and image, however often the comparison needs it."""

from __future__ import annotations

import typing as t
from unittest import mock

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine
from ansible_collections.caisson.openstack.plugins.module_utils.engine.read_once import ReadOnceEngine

_ROWS = [{"Id": "1"}, {"Id": "2"}]


def _asked(kind: type[Engine]) -> tuple[t.Any, t.Any]:
    """Ask for all containers and their image twice; return what was answered, and how often the engine was asked."""
    client = mock.MagicMock()
    client.containers.return_value = _ROWS
    client.inspect_image.return_value = {"Id": "sha256:1", "Config": {"Labels": {}}}
    parse = "ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api.parse"
    state = mock.MagicMock()
    with mock.patch(parse, return_value=state):
        engine = kind(client)
        answers = [(engine.containers(), engine.container("1") is not None, engine.inspect("image:1")) for _time in range(2)]
    return answers, (client.inspect_container.call_count, client.inspect_image.call_count)


def test_each_container_and_image_is_asked_for_once() -> None:
    answers, asked = _asked(ReadOnceEngine)
    assert asked == (2, 1)
    assert answers[0] == answers[1]
    assert _asked(Engine)[1] == (6, 2)


def test_what_does_not_exist_is_asked_for_once_too() -> None:
    with (
        mock.patch.object(Engine, "container", return_value=None) as container,
        mock.patch.object(Engine, "inspect", return_value=None) as image,
    ):
        engine = ReadOnceEngine(mock.MagicMock())
        assert [engine.container("gone"), engine.container("gone"), engine.image_id("gone"), engine.image_id("gone")] == [None] * 4
    assert (container.call_count, image.call_count) == (1, 1)
