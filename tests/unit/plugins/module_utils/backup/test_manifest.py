# SPDX-License-Identifier: Apache-2.0
"""Manifests, what fits where, and which backups stay."""

from __future__ import annotations

import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.caisson.openstack.plugins.module_utils.backup import manifest as backups
from ansible_collections.caisson.openstack.plugins.module_utils.backup.manifest import BackupError, Manifest, Part

KEY, OTHER = "AGE-SECRET-KEY-1AAA", "AGE-SECRET-KEY-1BBB"


def a_manifest(**options: object) -> Manifest:
    parts = [Part("mariadb", 10, "a" * 64, 20, "b" * 64, "caisson/mariadb:1", ["mariadb_data"])]
    values = {"cloud": "blue", "release": "2026.1", "host": "c1", "hosts": ["c1"], "time": "2026-01-02T03:04:05+00:00", "parts": parts}
    return Manifest(**{**values, **options})  # type: ignore[arg-type]


def test_a_manifest_comes_back_as_it_was() -> None:
    manifest = a_manifest()
    assert backups.load(backups.dump(manifest, KEY), [KEY], "here") == manifest
    assert manifest.part("mariadb") == manifest.parts[0]
    assert manifest.part("other") is None


def test_an_older_key_is_accepted_and_a_foreign_one_is_not() -> None:
    text = backups.dump(a_manifest(), OTHER)
    assert backups.load(text, [KEY, OTHER], "here") == a_manifest()
    with pytest.raises(BackupError, match="not signed with the key of this inventory"):
        backups.load(text, [KEY], "here")


@pytest.mark.parametrize("path", ["cloud", "release", "host", "time", "hosts", "parts"])
def test_a_changed_manifest_is_refused(path: str) -> None:
    data = json.loads(backups.dump(a_manifest(), KEY))
    data[path] = [] if isinstance(data[path], list) else data[path] + "x"
    with pytest.raises(BackupError, match="not signed"):
        backups.load(json.dumps(data), [KEY], "here")


@given(st.data())
def test_a_scribbled_manifest_is_refused_or_says_the_same(data: st.DataObject) -> None:
    text = backups.dump(a_manifest(), KEY)
    at = data.draw(st.integers(0, len(text) - 3))
    scribbled = text[:at] + data.draw(st.sampled_from(["", "\x00", "}", '"', "7", " "])) + text[at + data.draw(st.integers(0, 2)) :]
    try:
        assert backups.load(scribbled, [KEY], "here") == a_manifest()
    except BackupError as error:
        assert "here" in str(error)


@pytest.mark.parametrize("text", ["", "[]", "null", "1", "{}", '{"signature": 1}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(BackupError, match=r"damaged|format"):
        backups.load(text, [KEY], "here")


def test_another_format_is_named() -> None:
    with pytest.raises(BackupError, match="format 2, this version of the collection reads 1"):
        backups.load(backups.dump(a_manifest(format=2), KEY), [KEY], "here")


@pytest.mark.parametrize(
    ("cloud", "release", "host", "reason"),
    [
        ("red", "2026.1", "c1", "belongs to cloud blue, this one is red"),
        ("blue", "2025.2", "c1", "release 2026.1, newer than 2025.2"),
        ("blue", "2026.1", "c2", "belongs to host c1, this one is c2"),
    ],
)
def test_a_backup_that_does_not_fit_says_why(cloud: str, release: str, host: str, reason: str) -> None:
    (found,) = backups.misfits(a_manifest(), cloud, release, host)
    assert reason in found


@pytest.mark.parametrize("release", ["2026.1", "2026.2", "2027.1"])
def test_a_backup_of_this_or_an_earlier_release_fits(release: str) -> None:
    assert backups.misfits(a_manifest(), "blue", release, "c1") == []


def test_only_finished_backups_of_the_cloud_are_found(tmp_path: pathlib.Path) -> None:
    names = ["blue-20260102T000000Z", "blue-20260101T000000Z", "blue-20260103T000000Z.partial", "blue-green-20260101T000000Z", "blue-x"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / backups.MANIFEST).touch()
    (tmp_path / "blue-20260104T000000Z").mkdir()
    assert backups.finished(tmp_path, "blue") == ["blue-20260101T000000Z", "blue-20260102T000000Z"]
    assert backups.finished(tmp_path / "none", "blue") == []


@pytest.mark.parametrize(("keep", "gone"), [(1, ["a", "b"]), (2, ["a"]), (3, []), (9, [])])
def test_the_oldest_go(keep: int, gone: list[str]) -> None:
    assert backups.surplus(["a", "b", "c"], keep) == gone


def test_a_backup_that_might_not_fit_is_not_begun() -> None:
    backups.check_space(5 << 20, 5 << 20, "/there")
    with pytest.raises(BackupError, match=r"/there has 4 MiB free, the data take up to 6 MiB"):
        backups.check_space((5 << 20) + 1, 4 << 20, "/there")


def test_keys_are_found_among_comments() -> None:
    assert backups.keys(f"# created: today\n# public key: age1x\n{KEY}\n{OTHER}\n") == [KEY, OTHER]
    with pytest.raises(BackupError, match="no age key"):
        backups.keys("hunter2")


def test_a_measure_is_that_of_the_whole(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_bytes(b"ab" * 700_000)
    measure = backups.Measure()
    for _number in range(700_000):
        measure(b"ab")
    assert (measure.size, measure.sha256) == (1_400_000, backups.measure_file(tmp_path / "file").sha256)
