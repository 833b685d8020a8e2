# SPDX-License-Identifier: Apache-2.0
"""Where a host keeps which cloud it belongs to."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.state_file import StateFile
from ansible_collections.caisson.openstack.plugins.module_utils.identity import host_record, identity
from ansible_collections.caisson.openstack.plugins.module_utils.identity.host_record import Places
from ansible_collections.caisson.openstack.plugins.module_utils.identity.identity import Expected, Record

RECORD = Record(cloud="demo", host="n1", fingerprint="ff", generation=2, revision="bb", secrets={"a": "b"}, machine={"system": "1"})
NOBODY = Expected(cloud="demo", host="n1")


@pytest.fixture
def places(tmp_path: pathlib.Path) -> Places:
    return Places(str(tmp_path / "var/state.json"), str(tmp_path / "etc/cloud.json"), str(tmp_path / "etc"))


def test_it_is_kept_twice_and_all_else_stays(places: Places) -> None:
    StateFile(places.state).put("jobs", "sync", {"image": "x"})
    host_record.keep(RECORD, places)
    seen = host_record.look(NOBODY, ["b", "a"], places)
    assert (seen.record, seen.copy, seen.state_file, seen.damaged) == (RECORD, RECORD, True, ())
    assert seen.containers == ("a", "b")
    assert StateFile(places.state).get("jobs", "sync") == {"image": "x"}
    assert pathlib.Path(places.copy).stat().st_mode & 0o777 == 0o600


def test_jobs_are_forgotten_if_that_is_asked_for(places: Places) -> None:
    StateFile(places.state).put("jobs", "sync", {"image": "x"})
    host_record.keep(RECORD, places, forget=True)
    assert StateFile(places.state).section("jobs") == {}
    assert host_record.look(NOBODY, [], places).record == RECORD


def test_a_host_without_anything_says_nothing(places: Places) -> None:
    seen = host_record.look(NOBODY, [], places)
    assert (seen.record, seen.copy, seen.state_file, seen.damaged) == (None, None, False, ())


@pytest.mark.parametrize("text", ["{", '{"cloud": 1}', "[]", '"x"'])
def test_what_cannot_be_read_is_said(places: Places, text: str) -> None:
    host_record.keep(RECORD, places)
    pathlib.Path(places.copy).write_text(text)
    (error,) = host_record.look(NOBODY, [], places).damaged
    assert places.copy in error


def test_secrets_of_the_controller_are_recognised_in_the_configuration(places: Places) -> None:
    password, salt = "A" * 31 + "b", "salt"
    path = pathlib.Path(places.configuration) / "api/api.conf"
    path.parent.mkdir(parents=True)
    path.write_text(f"url = mysql://user:{password}@host/db\n")
    for known, agrees in ((password, True), (password[:-1] + "c", False)):
        expected = Expected(cloud="demo", host="n1", salt=salt, proof=[identity.proof(salt, known)])
        assert host_record.look(expected, ["api"], places).agrees is agrees


def test_an_identifier_made_at_boot_is_no_part_of_the_machine(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("product", "system"):
        (tmp_path / name).write_text(f"{name}-identifier\n")
    monkeypatch.setattr(host_record, "_MACHINE", {name: str(tmp_path / name) for name in ("product", "system")})
    assert set(host_record.machine()) == {"product", "system"}
    monkeypatch.setattr(host_record, "_mount_points", lambda: {"/", str(tmp_path / "system")})
    assert set(host_record.machine()) == {"product"}


def test_mount_points_are_read(tmp_path: pathlib.Path) -> None:
    line = "36 35 0:31 /machine-id /etc/machine-id ro,nosuid shared:1 - tmpfs tmpfs rw\n"
    (tmp_path / "mountinfo").write_text(line)
    assert host_record._mount_points(str(tmp_path / "mountinfo")) == {"/etc/machine-id"}
    assert "/" in host_record._mount_points()


def test_a_machine_is_the_same_each_time() -> None:
    assert host_record.machine() == host_record.machine()
    assert all(len(value) == 16 for value in host_record.machine().values())
