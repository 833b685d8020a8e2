# SPDX-License-Identifier: Apache-2.0
"""The prober in its container on a real engine, started and read by its module; the APIs that it asks are a fake."""

from __future__ import annotations

import json
import pathlib
import time
import typing as t

import pytest

from tests.apis import probes
from tests.fake_cloud import PASSWORD, REGION, FakeCloud
from tests.scripts import ROLES

from .conftest import Lab
from .modules import run_module

ADDRESS = "127.0.0.1"


class Module:
    """The module with the parameters of one prober."""

    def __init__(self, lab: Lab, cloud: FakeCloud, directory: pathlib.Path) -> None:
        self._params = {
            "name": lab.name("prober"),
            "directory": str(directory),
            "script": (ROLES / "prober" / "files" / "prober.py").read_text("utf-8"),
            "image": lab.image("client"),
            "cloud": lab.cloud,
            "region": REGION,
            "auth": cloud.auth,
            "probes": probes(),
            "addresses": [ADDRESS],
            "limit": 2,
        }

    def figures(self, **params: t.Any) -> dict[str, t.Any]:
        """Return what the module that reads the answers returns."""
        return run_module("prober_info", directory=self._params["directory"], **params)

    def run(self, state: str, **params: t.Any) -> dict[str, t.Any]:
        """Run it as Ansible would; return its result."""
        result = run_module("prober", **{**self._params, "state": state, **params})
        assert PASSWORD not in json.dumps(result)
        return result


@pytest.fixture
def cloud() -> t.Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


@pytest.fixture
def module(lab: Lab, cloud: FakeCloud, tmp_path: pathlib.Path) -> Module:
    return Module(lab, cloud, tmp_path / "prober")


def test_it_runs_until_it_is_stopped_and_tells_what_it_saw(lab: Lab, cloud: FakeCloud, module: Module) -> None:
    assert module.run("started", _ansible_check_mode=True)["changed"]
    assert lab.engine.container(lab.name("prober")) is None
    assert module.run("started")["changed"]
    time.sleep(4)
    cloud.rule = lambda _method, path: 503 if path.startswith("/image/") else None
    time.sleep(2)
    cloud.rule = lambda _method, _path: None
    time.sleep(2)
    assert not module.run("started")["changed"]
    assert module.run("stopped")["changed"]
    assert not module.run("stopped")["changed"]
    assert lab.engine.container(lab.name("prober")) is None
    assert cloud.objects == {}
    result = module.figures()
    apis, ping = result["figures"]["apis"], result["figures"]["pings"][ADDRESS]
    assert {name: api["failed"] for name, api in apis.items() if name != "image"} == dict.fromkeys(probes().keys() - {"image"}, 0)
    assert 1 < apis["image"]["longest_gap"] < 4
    assert (ping["lost"], ping["sent"] > 200) == (0, True)
    assert {line.split()[0] for line in result["lines"]} >= {*apis, ADDRESS}


def test_credentials_are_seen_nowhere_and_it_may_open_raw_sockets_only(lab: Lab, module: Module, tmp_path: pathlib.Path) -> None:
    module.run("started")
    container = lab.client.inspect_container(lab.name("prober"))
    assert PASSWORD not in json.dumps(container)
    assert PASSWORD not in pathlib.Path(f"/proc/{container['State']['Pid']}/cmdline").read_text()
    assert PASSWORD not in pathlib.Path(f"/proc/{container['State']['Pid']}/environ").read_text()
    assert PASSWORD not in (tmp_path / "prober" / "answers.jsonl").read_text()
    assert (tmp_path / "prober").stat().st_mode & 0o777 == 0o700
    host = container["HostConfig"]
    assert [name.removeprefix("CAP_") for name in host["CapAdd"]] == ["NET_RAW"]
    assert (host["CapDrop"], host["ReadonlyRootfs"], host["RestartPolicy"]["Name"]) == (["ALL"], True, "no")


def test_other_parameters_start_it_anew_and_the_answers_stay(lab: Lab, module: Module) -> None:
    module.run("started")
    first = lab.engine.container(lab.name("prober"))
    begin = time.time()
    result = module.run("started", addresses=[])
    assert result["diff"] == {"before": "runs with other parameters\n", "after": "runs\n"}
    second = lab.engine.container(lab.name("prober"))
    assert first and second and first.id != second.id
    module.run("stopped")
    assert module.figures(since=begin - 5)["figures"]["pings"][ADDRESS]["sent"]


def test_one_that_cannot_start_says_why(lab: Lab, module: Module) -> None:
    assert module.run("started", addresses=["no address"])["msg"].endswith("'no address'")
    result = module.run("started", script="raise RuntimeError('as the test wants it')\n")
    assert result["msg"] == "the prober did not start: RuntimeError: as the test wants it"
    assert "start it first" in module.figures()["msg"]
