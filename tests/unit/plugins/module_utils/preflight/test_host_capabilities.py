# SPDX-License-Identifier: Apache-2.0
"""What is decided from what a host offers; no machine offers all of it."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.preflight import host_capabilities


class Trial:
    """A host on which the test guest boots, or does not."""

    def __init__(self, works: bool) -> None:
        self.works = works
        self.tried: list[str] = []

    def __call__(self, image_id: str) -> bool:
        self.tried.append(image_id)
        return self.works


@pytest.fixture
def state(tmp_path: pathlib.Path) -> StateFile:
    return StateFile(str(tmp_path / "state.json"))


@pytest.mark.parametrize(("works", "expected"), [(True, "kvm"), (False, "qemu")])
def test_kvm_is_used_where_a_guest_booted_with_it(state: StateFile, works: bool, expected: str) -> None:
    assert host_capabilities.virt_type(True, "sha256:1", "boot", state, Trial(works))[0] == expected


@pytest.mark.parametrize(("device", "image"), [(False, "sha256:1"), (True, None)])
def test_where_nothing_can_be_tried_machines_are_emulated(state: StateFile, device: bool, image: str | None) -> None:
    trial = Trial(works=True)
    assert host_capabilities.virt_type(device, image, "boot", state, trial)[0] == "qemu"
    assert not trial.tried


def test_a_trial_counts_until_the_next_boot_or_image(state: StateFile) -> None:
    trial = Trial(works=True)
    for image, boot in [("sha256:1", "one"), ("sha256:1", "one"), ("sha256:1", "two"), ("sha256:2", "two"), ("sha256:2", "two")]:
        assert host_capabilities.virt_type(True, image, boot, state, trial)[0] == "kvm"
    assert trial.tried == ["sha256:1", "sha256:1", "sha256:2"]


def test_a_trial_that_is_not_remembered_is_made_again(state: StateFile) -> None:
    trial = Trial(works=False)
    for _time in range(2):
        host_capabilities.virt_type(True, "sha256:1", "boot", state, trial, remember=False)
    assert len(trial.tried) == 2


@pytest.mark.parametrize(("at_first", "loadable", "expected"), [(True, False, "system"), (False, True, "system"), (False, False, "netdev")])
def test_the_datapath_of_the_kernel_is_used_where_there_is_one(at_first: bool, loadable: bool, expected: str) -> None:
    modules = {"openvswitch"} if at_first else set()

    def load(name: str) -> None:
        assert not at_first, "what is there is not loaded"
        modules.update({name} if loadable else ())

    assert host_capabilities.ovs_datapath(lambda family: "openvswitch" in modules, load)[0] == expected


def test_a_machine_that_cannot_load_modules_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    host_capabilities.load_module("openvswitch")


@pytest.mark.parametrize(("files", "version"), [(["cgroup.controllers"], 2), ([], 1)])
def test_the_version_of_control_groups(tmp_path: pathlib.Path, files: t.Sequence[str], version: int) -> None:
    for name in files:
        (tmp_path / name).touch()
    assert host_capabilities.cgroup_version(tmp_path) == version


@pytest.mark.parametrize(("text", "confines"), [("Y\n", True), ("N\n", False), (None, False)])
def test_apparmor(tmp_path: pathlib.Path, text: str | None, confines: bool) -> None:
    parameter = tmp_path / "enabled"
    if text is not None:
        parameter.write_text(text)
    assert host_capabilities.apparmor(parameter) is confines


def test_the_service_manager(tmp_path: pathlib.Path) -> None:
    assert host_capabilities.service_manager(tmp_path) == "systemd"
    assert host_capabilities.service_manager(tmp_path / "absent") == "none"
