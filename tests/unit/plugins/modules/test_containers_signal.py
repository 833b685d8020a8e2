# SPDX-License-Identifier: Apache-2.0
"""Which containers get which signal; that signals arrive is tested on a real engine: tests/integration/test_converge.py."""

from __future__ import annotations

import io
import json
import typing as t
from unittest import mock

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.caisson.openstack.plugins.module_utils.engine.client import EngineError
from ansible_collections.caisson.openstack.plugins.modules import containers_signal


class FakeEngine:
    """Notes signals; refuses those to ``stopped``."""

    sent: t.ClassVar[list[tuple[str, str]]] = []

    def __init__(self, _client: object) -> None:
        self.sent.clear()

    def signal(self, name: str, signal: str) -> None:
        if name == "stopped":
            raise EngineError(f"cannot send {signal} to stopped: it does not run")
        self.sent.append((name, signal))


def _call(signals: dict[str, str], check: bool = False) -> dict[str, t.Any]:
    args = {"signals": signals, "_ansible_check_mode": check}
    with (
        patch_module_args(args),
        mock.patch("sys.stdout", io.StringIO()) as out,
        mock.patch.object(containers_signal, "Engine", FakeEngine),
        mock.patch.object(containers_signal, "connect", lambda _url: None),
    ):
        with pytest.raises(SystemExit):
            containers_signal.main()
        return t.cast("dict[str, t.Any]", json.loads(out.getvalue()))


def test_each_container_gets_its_signal() -> None:
    result = _call({"nova_compute": "SIGHUP", "api": "SIGUSR1"})
    assert (result["changed"], result["containers"]) == (True, ["nova_compute", "api"])
    assert FakeEngine.sent == [("nova_compute", "SIGHUP"), ("api", "SIGUSR1")]


def test_check_mode_sends_nothing_and_no_signal_changes_nothing() -> None:
    FakeEngine.sent.clear()
    result = _call({"nova_compute": "SIGHUP"}, check=True)
    assert (result["changed"], result["containers"], FakeEngine.sent) == (True, ["nova_compute"], [])
    assert _call({})["changed"] is False


def test_a_container_that_does_not_run_is_reported() -> None:
    assert _call({"stopped": "SIGHUP"})["msg"] == "cannot send SIGHUP to stopped: it does not run"
