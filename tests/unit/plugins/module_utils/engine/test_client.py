# SPDX-License-Identifier: Apache-2.0
"""Calls of the engine that are repeated: only if a busy engine was not told that a container has ended."""

from __future__ import annotations

import typing as t

import docker
import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import Engine, EngineError

LOST = "cannot stop container: api: tried to kill container, but did not receive an exit event"


class FakeClient:
    """An engine with the container ``api``, whose first calls fail.

    Args:
        errors: what the first calls of stop or remove answer.
        status: the container's state after them; empty if it is gone.
    """

    def __init__(self, errors: list[Exception], status: str) -> None:
        self._errors, self._status = errors, status
        self.calls: list[str] = []

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self._errors:
            raise self._errors.pop(0)

    def stop(self, name: str, timeout: int) -> None:
        self._answer(f"stop {name} {timeout}")

    def remove_container(self, name: str, force: bool) -> None:
        self._answer(f"remove {name}")

    def inspect_container(self, name: str) -> dict[str, t.Any]:
        if not self._status:
            raise docker.errors.NotFound("no such container")
        running = self._status == "running"
        return {
            "Id": "1",
            "Name": f"/{name}",
            "Image": "sha256:1",
            "RestartCount": 0,
            "State": {"Running": running, "Status": self._status, "Pid": 0, "ExitCode": 137, "StartedAt": "", "FinishedAt": ""},
            "Config": {"Image": "x", "Labels": {}},
            "HostConfig": {},
        }


def _lost(times: int = 1) -> list[Exception]:
    return [docker.errors.APIError(LOST) for _ in range(times)]


def _stop(client: FakeClient) -> None:
    Engine(client).stop("api", 5)


def _remove(client: FakeClient) -> None:
    Engine(client).remove("api")


@pytest.mark.parametrize(
    ("call", "status", "calls"),
    [
        (_stop, "running", ["stop api 5"] * 2),
        (_stop, "exited", ["stop api 5"]),
        (_stop, "", ["stop api 5"]),
        (_remove, "running", ["remove api"] * 2),
        (_remove, "exited", ["remove api"] * 2),
        (_remove, "", ["remove api"]),
    ],
)
def test_a_call_is_repeated_if_its_aim_is_not_reached(call: t.Callable[[FakeClient], None], status: str, calls: list[str]) -> None:
    client = FakeClient(_lost(), status)
    call(client)
    assert client.calls == calls


@pytest.mark.parametrize("call", [_stop, _remove])
def test_it_is_repeated_once(call: t.Callable[[FakeClient], None]) -> None:
    client = FakeClient(_lost(3), "running")
    with pytest.raises(EngineError, match="did not receive an exit event"):
        call(client)
    assert len(client.calls) == 2


@pytest.mark.parametrize("call", [_stop, _remove])
def test_other_errors_are_not_repeated(call: t.Callable[[FakeClient], None]) -> None:
    client = FakeClient([docker.errors.APIError("device or resource busy")], "running")
    with pytest.raises(EngineError, match="device or resource busy"):
        call(client)
    assert len(client.calls) == 1


def test_a_container_that_is_gone_meanwhile_is_removed() -> None:
    client = FakeClient([*_lost(), docker.errors.NotFound("no such container")], "running")
    _remove(client)
    assert len(client.calls) == 2
