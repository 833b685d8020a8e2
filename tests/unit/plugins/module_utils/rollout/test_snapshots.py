# SPDX-License-Identifier: Apache-2.0
"""What is kept of containers for the way back. Files get real owners, so these tests run as root."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.engine.container_api import ContainerState
from ansible_collections.caisson.openstack.plugins.module_utils.model import spec as specs
from ansible_collections.caisson.openstack.plugins.module_utils.model.definition import Healthcheck
from ansible_collections.caisson.openstack.plugins.module_utils.model.spec import ContainerSpec
from ansible_collections.caisson.openstack.plugins.module_utils.rollout import snapshots
from ansible_collections.caisson.openstack.plugins.module_utils.rollout.snapshots import Snapshot, Snapshots
from tests.unit.builders import a_state

OLD = ContainerSpec(
    name="api",
    service="x",
    image="x:1",
    command=["old"],
    env={"A": "1"},
    healthcheck=Healthcheck(["CMD", "true"]),
    after=["what was before"],
    start_timeout=5,
)
NEW = dataclasses.replace(OLD, image="x:2", command=["new"], env={}, after=["db"], start_timeout=99, memory="1g", reload_digest="new")


def _state(spec: ContainerSpec = OLD, label: str = "") -> ContainerState:
    kept = {specs.LABEL_SPEC: label or spec.label(), specs.LABEL_RELOAD: "old", specs.LABEL_PROTECTED: "qemu,swtpm"}
    return a_state(spec.name, image_id="sha256:old", labels=kept)


class Host:
    """The directories of a host: configuration, and what is kept of it."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.config, self.kept = directory / "etc", directory / "kept"
        self.snapshots = Snapshots(self.config, self.kept)

    def write(self, path: str, text: str, mode: int = 0o640, owner: tuple[int, int] = (0, 4321)) -> None:
        """Write a file as the collection does."""
        file = self.config / path
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        os.chown(file, *owner)

    def tree(self) -> dict[str, tuple[str, str, int, int]]:
        """Return content, mode and owner of each file, and of each directory without a content."""
        found = {}
        for path in sorted(self.config.rglob("*")):
            status = path.stat()
            text = path.read_text() if path.is_file() else ""
            found[str(path.relative_to(self.config))] = (text, f"{status.st_mode & 0o7777:o}", status.st_uid, status.st_gid)
        return found

    def keep(self, rollout: str = "r1", current: ContainerState | None = None, **digests: str) -> None:
        self.snapshots.keep(rollout, NEW, current, {path.replace("__", "/"): value for path, value in digests.items()})

    def put_back(self, name: str = "api") -> None:
        found = self.snapshots.get(name)
        assert found
        self.snapshots.put_back(found)


@pytest.fixture
def host(tmp_path: pathlib.Path) -> Host:
    made = Host(tmp_path)
    made.write("api/config/x.conf", "old")
    made.write("api/files/etc/key.pem", "old key", 0o400, (42, 43))
    made.write("other/config/x.conf", "of another")
    (made.config / "api").chmod(0o710)
    return made


# -- the former specification ------------------------------------------------------------------------------------


def test_the_former_specification_is_that_of_the_label_with_the_very_image() -> None:
    found = snapshots.previous(NEW, _state())
    assert found.compared() == OLD.compared()
    assert (found.image, found.reload_digest, found.protected_processes) == ("sha256:old", "old", ["qemu", "swtpm"])
    assert isinstance(found.healthcheck, Healthcheck)
    # these are not kept with a container
    assert (found.after, found.start_timeout) == (["db"], 99)


def test_options_that_another_version_of_the_collection_knew_are_left_out() -> None:
    label = json.dumps({**json.loads(OLD.label()), "of_another_version": True})
    assert snapshots.previous(NEW, _state(label=label)).compared() == OLD.compared()


@pytest.mark.parametrize("label", ["null", '["run"]', '"text"'])
def test_what_something_else_made_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="api was not made by this collection and could not be rolled back"):
        snapshots.previous(NEW, _state(label=label))


def test_a_container_without_the_label_is_refused() -> None:
    with pytest.raises(ValueError, match="not made by this collection"):
        snapshots.previous(NEW, dataclasses.replace(_state(), labels={}))


def test_nothing_is_kept_of_a_container_whose_label_is_damaged(host: Host) -> None:
    with pytest.raises(ValueError, match="could not be rolled back"):
        host.keep(current=_state(label='{"user": '))
    assert host.snapshots.get("api") is None


# -- files --------------------------------------------------------------------------------------------------------


def test_files_are_put_back_with_modes_and_owners(host: Host) -> None:
    before = host.tree()
    assert before["api/files/etc/key.pem"] == ("old key", "400", 42, 43)
    host.keep(current=_state())
    host.write("api/config/x.conf", "new", 0o600, (7, 7))
    (host.config / "api/files/etc/key.pem").unlink()
    (host.config / "api").chmod(0o777)
    os.chown(host.config / "api/config", 7, 7)
    host.put_back()
    assert host.tree() == before


def test_what_came_since_goes_and_others_are_left_alone(host: Host) -> None:
    host.keep(current=_state())
    before = host.tree()
    host.write("api/config/new.conf", "new")
    host.write("api/config/new.d/new.conf", "new")
    host.write("api/config/.x.conf.new", "of a run that was cut off")
    host.write("other/config/x.conf", "changed since")
    host.put_back()
    assert host.tree() == {**before, "other/config/x.conf": ("changed since", "640", 0, 4321)}


def test_a_file_may_have_become_a_directory_and_the_other_way_round(host: Host) -> None:
    before = host.tree()
    host.keep(current=_state())
    (host.config / "api/config/x.conf").unlink()
    host.write("api/config/x.conf/part.conf", "new")
    (host.config / "api/files/etc/key.pem").unlink()
    (host.config / "api/files/etc").rmdir()
    host.write("api/files/etc", "new")
    host.put_back()
    assert host.tree() == before


def test_putting_back_twice_changes_nothing_more(host: Host) -> None:
    host.keep(current=_state())
    host.write("api/config/x.conf", "new")
    host.put_back()
    before = host.tree()
    host.put_back()
    assert host.tree() == before


# -- what is kept -------------------------------------------------------------------------------------------------


def test_a_snapshot_is_read_as_it_was_kept(host: Host) -> None:
    host.keep(current=_state(), api__config__x="d1", other__config__x="d2", apis__config__x="d3")
    assert host.snapshots.get("api") == Snapshot(
        rollout="r1", name="api", spec=snapshots.previous(NEW, _state()), digests={"api/config/x": "d1"}
    )
    assert host.snapshots.get("other") is None


def test_what_is_kept_is_for_its_owner_only(host: Host) -> None:
    host.keep(current=_state())
    assert [f"{path.name} {path.stat().st_mode & 0o777:o}" for path in host.kept.iterdir()] == ["api 700"]


def test_the_first_state_of_a_rollout_is_kept(host: Host) -> None:
    before = host.tree()
    host.keep(current=_state())
    host.write("api/config/x.conf", "new")
    host.keep(current=dataclasses.replace(_state(NEW), image_id="sha256:new"), api__config__x="d2")
    found = host.snapshots.get("api")
    assert found and found.spec and (found.spec.image, found.spec.command, found.digests) == ("sha256:old", ["old"], {})
    host.put_back()
    assert host.tree() == before


def test_the_state_of_another_rollout_is_replaced(host: Host) -> None:
    host.keep("r1", current=_state())
    host.write("api/config/x.conf", "between")
    host.write("api/config/more.conf", "between")
    before = host.tree()
    host.keep("r2", current=dataclasses.replace(_state(NEW), image_id="sha256:between"))
    found = host.snapshots.get("api")
    assert found and found.spec and (found.rollout, found.spec.image, found.spec.command) == ("r2", "sha256:between", ["new"])
    host.write("api/config/x.conf", "new")
    (host.config / "api/config/more.conf").unlink()
    host.put_back()
    assert host.tree() == before


def test_a_run_that_was_cut_off_while_it_kept_something_does_not_matter(host: Host) -> None:
    (host.kept / ".api/files/config").mkdir(parents=True)
    (host.kept / ".api/files/config/stale.conf").write_text("stale")
    before = host.tree()
    host.keep(current=_state())
    host.put_back()
    assert host.tree() == before


def test_a_container_that_did_not_exist_has_no_specification_and_no_files(tmp_path: pathlib.Path) -> None:
    host = Host(tmp_path)
    host.keep(current=None)
    found = host.snapshots.get("api")
    assert found == Snapshot(rollout="r1", name="api")
    host.write("api/config/x.conf", "new")
    host.put_back()
    assert list(host.tree()) == ["api"]


def test_a_snapshot_that_was_cut_off_is_refused(host: Host) -> None:
    host.keep(current=_state())
    path = host.kept / "api/snapshot.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        host.snapshots.get("api")
