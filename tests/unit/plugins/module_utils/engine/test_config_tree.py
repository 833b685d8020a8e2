# SPDX-License-Identifier: Apache-2.0
"""The configuration directories of a host. Files get real owners, so these tests run as root."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import tempfile
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.common import packed
from ansible_collections.caisson.openstack.plugins.module_utils.common.masking import MASK
from ansible_collections.caisson.openstack.plugins.module_utils.engine import config_tree
from ansible_collections.caisson.openstack.plugins.module_utils.engine.config_tree import FileChange, WantedFile, WantedTree


def _file(path: str = "api/config/x.conf", content: str = "a = 1\n", **options: t.Any) -> WantedFile:
    return WantedFile(**{"path": path, "content": content, "mode": "0640", "gid": os.getgid(), "sensitive": False, **options})


def _wanted(*files: WantedFile, directories: t.Sequence[str] = ("api",), secrets: t.Sequence[str] = ()) -> WantedTree:
    return WantedTree(list(directories), list(files), list(secrets))


def _converge(root: pathlib.Path, wanted: WantedTree) -> list[FileChange]:
    changes = config_tree.plan(root, wanted)
    config_tree.apply(root, wanted, changes)
    return changes


def _reasons(changes: list[FileChange]) -> list[tuple[str, str]]:
    return [(change.path, change.reason) for change in changes]


def test_what_the_model_packs_is_unpacked() -> None:
    wanted = _wanted(_file(), secrets=["s"])
    payload = packed.pack(dataclasses.asdict(wanted))
    assert config_tree.unpack(payload) == wanted


def test_a_part_of_what_is_wanted_leaves_other_containers_out() -> None:
    own, other, near = _file(), _file("worker/config/x.conf"), _file("api2/config/x.conf")
    wanted = _wanted(own, other, near, directories=["api", "worker", "api2"], secrets=["s"])
    assert config_tree.select(wanted, {"api", "nobody"}) == _wanted(own, secrets=["s"])
    assert config_tree.select(wanted, set()) == _wanted(directories=[], secrets=["s"])


def test_a_part_of_what_is_wanted_removes_nothing_of_others(tmp_path: pathlib.Path) -> None:
    both = _wanted(_file(), _file("worker/config/x.conf"), directories=["api", "worker"])
    _converge(tmp_path, both)
    part = config_tree.select(both, {"worker"})
    assert _reasons(config_tree.plan(tmp_path, dataclasses.replace(part, files=[]))) == [("worker/config/x.conf", "no longer defined")]


def test_a_new_file_is_written_with_mode_and_owner(tmp_path: pathlib.Path) -> None:
    changes = _converge(tmp_path, _wanted(_file()))
    assert _reasons(changes) == [("api/config/x.conf", "new")]
    assert (changes[0].before, changes[0].after) == ("", "a = 1\n")
    path = tmp_path / "api/config/x.conf"
    assert path.read_text() == "a = 1\n"
    assert [f"{item.stat().st_mode & 0o7777:o}" for item in (path, path.parent, path.parent.parent)] == ["640", "750", "750"]
    assert config_tree.plan(tmp_path, _wanted(_file())) == []


def test_directories_follow_the_group_of_their_files(tmp_path: pathlib.Path) -> None:
    _converge(tmp_path, _wanted(_file()))
    changes = _converge(tmp_path, _wanted(_file(gid=4321)))
    assert _reasons(changes) == [("api/config/x.conf", f"mode 0640 0:{os.getgid()} -> 0640 0:4321")]
    assert {item.stat().st_gid for item in (tmp_path / "api").rglob("*")} == {4321}


def test_a_changed_file_shows_both_sides(tmp_path: pathlib.Path) -> None:
    _converge(tmp_path, _wanted(_file()))
    (change,) = _converge(tmp_path, _wanted(_file(content="a = 2\n")))
    assert (change.reason, change.before, change.after) == ("content", "a = 1\n", "a = 2\n")


def test_a_changed_mode_is_named(tmp_path: pathlib.Path) -> None:
    _converge(tmp_path, _wanted(_file()))
    (tmp_path / "api/config/x.conf").chmod(0o644)
    (change,) = config_tree.plan(tmp_path, _wanted(_file()))
    assert change.reason.startswith("mode 0644 0:")


def test_planning_changes_nothing(tmp_path: pathlib.Path) -> None:
    _converge(tmp_path, _wanted(_file("api/config/old")))
    config_tree.plan(tmp_path, _wanted(_file()))
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == ["api/config/old"]


def test_leftovers_go_with_their_empty_directories(tmp_path: pathlib.Path) -> None:
    _converge(tmp_path, _wanted(_file(), _file("api/files/deep/down")))
    changes = _converge(tmp_path, _wanted(_file()))
    assert _reasons(changes) == [("api/files/deep/down", "no longer defined")]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["api", "config", "x.conf"]


def test_directories_of_others_are_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("mine\n")
    assert _converge(tmp_path, _wanted(_file()))
    assert (tmp_path / "other/file").read_text() == "mine\n"


@pytest.mark.parametrize(("before", "after"), [("api/config/x", "api/config/x/y"), ("api/config/x/y", "api/config/x")])
def test_a_file_may_become_a_directory_and_back(tmp_path: pathlib.Path, before: str, after: str) -> None:
    _converge(tmp_path, _wanted(_file(before)))
    _converge(tmp_path, _wanted(_file(after)))
    assert (tmp_path / after).is_file()
    assert config_tree.plan(tmp_path, _wanted(_file(after))) == []


def test_a_write_that_was_cut_off_leaves_no_trace(tmp_path: pathlib.Path) -> None:
    _converge(tmp_path, _wanted(_file()))
    (tmp_path / "api/config/.x.conf.new").write_text("half")
    _converge(tmp_path, _wanted(_file()))
    assert [path.name for path in (tmp_path / "api/config").iterdir()] == ["x.conf"]


@given(st.dictionaries(st.sampled_from(["api/config/a", "api/config/d/b", "api/files/etc/c"]), st.text(max_size=20)))
def test_a_second_run_changes_nothing(contents: dict[str, str]) -> None:
    wanted = _wanted(*(_file(path, content) for path, content in contents.items()))
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        _converge(root, _wanted(_file("api/config/before")))
        _converge(root, wanted)
        assert config_tree.plan(root, wanted) == []
        assert {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} == set(contents)


# -- secrets ----------------------------------------------------------------------------------------------------

_SECRET = "s3cr3tS3cr3ts3cr3t"


@pytest.mark.parametrize("before", ["", "port = 1\npin = 12\n"])
def test_nothing_of_a_hidden_file_is_shown(tmp_path: pathlib.Path, before: str) -> None:
    if before:
        _converge(tmp_path, _wanted(_file(content=before)))
    (change,) = config_tree.plan(tmp_path, _wanted(_file(content="port = 2\npin = 123\n", hidden=True)))
    assert (change.before, change.after) == (f"{MASK}\n" if before else "", f"{MASK}\n")
    assert change.reason == ("a secret" if before else "new")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (f"password = {_SECRET}", "password = ********"),
        (f"connection = mysql+pymysql://x:{_SECRET}@h/x", "connection = ********"),
        (f"transport_url=rabbit://x:{_SECRET}@h", "transport_url= ********"),
        (f"default_pass = {_SECRET}", "default_pass = ********"),
        (f"SECRET_KEY = '{_SECRET}'", "SECRET_KEY = ********"),
        (f'  "admin_token": "{_SECRET}",', '  "admin_token": ********'),
        (f"password: {_SECRET}=", "password: ********"),
        (_SECRET, "********"),
        (f"{_SECRET}=", "********"),
        (f"{_SECRET}==", "********"),
        (f"  - {_SECRET}", "********"),
        ("workers = 2", "workers = 2"),
        ("url = http://h/?a=b", "url = http://h/?a=b"),
        ("[DEFAULT]", "[DEFAULT]"),
        ("# comment", "# comment"),
    ],
)
def test_a_sensitive_file_shows_no_secret(tmp_path: pathlib.Path, line: str, shown: str) -> None:
    (change,) = config_tree.plan(tmp_path, _wanted(_file(content=f"{line}\n", sensitive=True)))
    assert change.after == f"{shown}\n"


def test_a_known_secret_is_masked_in_every_file(tmp_path: pathlib.Path) -> None:
    wanted = _wanted(_file(content=f"x {_SECRET} {_SECRET}y\n"), secrets=["", _SECRET, f"{_SECRET}y"])
    (change,) = config_tree.plan(tmp_path, wanted)
    assert change.after == "x ******** ********\n"


def test_a_change_of_nothing_but_a_secret_is_called_so(tmp_path: pathlib.Path) -> None:
    _converge(tmp_path, _wanted(_file(content=f"password = {_SECRET}\n", sensitive=True)))
    (change,) = config_tree.plan(tmp_path, _wanted(_file(content="password = other\n", sensitive=True)))
    assert (change.reason, change.before, change.after) == ("a secret", "password = ********\n", "password = ********\n")


def _edited(root: pathlib.Path, wanted: WantedTree, written: WantedTree) -> dict[str, float]:
    return config_tree.edited(config_tree.plan(root, wanted, config_tree.digests(written)))


def test_what_the_model_changes_was_not_edited_by_hand(tmp_path: pathlib.Path) -> None:
    before = _wanted(_file(), _file("db/files/y.conf"), directories=["api", "db"])
    _converge(tmp_path, before)
    after = _wanted(_file(content="a = 2\n"), directories=["api", "db"])
    assert len(config_tree.plan(tmp_path, after)) == 2
    assert _edited(tmp_path, after, before) == {}
    # nor is what was there before anything was remembered
    assert config_tree.edited(config_tree.plan(tmp_path, after)) == {}


def test_files_of_services_that_were_not_selected_stay_known() -> None:
    before = {"api/config/gone.conf": "1", "db/config/y.conf": "2"}
    assert config_tree.digests(_wanted(_file()), before).keys() == {"api/config/x.conf", "db/config/y.conf"}


def test_what_hands_change_is_known_with_its_time(tmp_path: pathlib.Path) -> None:
    wanted = _wanted(_file(), _file("db/config/y.conf"), _file("web/config/z.conf"), directories=["api", "db", "web"])
    _converge(tmp_path, wanted)
    (tmp_path / "api/config/x.conf").write_text("a = 3\n")
    os.utime(tmp_path / "api/config/x.conf", (1000, 1000))
    (tmp_path / "db/config/left.conf").write_text("")
    os.utime(tmp_path / "db/config/left.conf", (2000, 2000))
    (tmp_path / "web/config/z.conf").chmod(0o600)
    assert _edited(tmp_path, wanted, wanted) == {"api": 1000, "db": 2000}
    # the earliest counts
    (tmp_path / "api/config/left.conf").write_text("")
    os.utime(tmp_path / "api/config/left.conf", (500, 500))
    assert _edited(tmp_path, wanted, wanted)["api"] == 500


def test_a_removed_file_was_removed_when_its_directory_changed(tmp_path: pathlib.Path) -> None:
    wanted = _wanted(_file())
    _converge(tmp_path, wanted)
    (tmp_path / "api/config/x.conf").unlink()
    os.utime(tmp_path / "api/config", (1500, 1500))
    assert _edited(tmp_path, wanted, wanted) == {"api": 1500}
