# SPDX-License-Identifier: Apache-2.0
"""Records of test clouds are cleared, those of others never."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.cloud import records

COPY, STATE, METRICS, BACKUPS = (
    "etc/caisson/cloud.json",
    "var/lib/caisson/state.json",
    "var/lib/caisson/metrics/x",
    "var/lib/caisson/backups/x",
)


def _host(root: pathlib.Path, copy: str, state: str) -> set[str]:
    for name, text in {COPY: copy, STATE: state, METRICS: "x", BACKUPS: "x"}.items():
        if text:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return _files(root)


def _files(root: pathlib.Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def _copy(cloud: str) -> str:
    return json.dumps({"cloud": cloud, "host": "here"})


def _state(cloud: str) -> str:
    return json.dumps({"jobs": {}, "identity": {"cloud": cloud}})


@pytest.mark.parametrize(("copy", "state"), [("caisson-test-a", "caisson-test-a"), ("caisson-test-a", ""), ("", "caisson-test-a")])
def test_records_of_a_test_cloud_are_cleared(tmp_path: pathlib.Path, copy: str, state: str) -> None:
    _host(tmp_path, copy and _copy(copy), state and _state(state))
    assert records.clear(tmp_path) == "caisson-test-a"
    assert _files(tmp_path) == {BACKUPS}
    assert not (tmp_path / "etc/caisson").exists()


@pytest.mark.parametrize(
    ("copy", "state"),
    [
        (_copy("caisson"), _state("caisson")),
        (_copy("production"), ""),
        ("", _state("my-caisson-test-a")),
        (_copy("caisson-test-a"), _state("production")),
        (_copy("production"), _state("caisson-test-a")),
        (_copy("caisson-test-a"), _state("caisson-test-b")),
        (_copy("caisson-test-a"), "{damaged"),
        ("[]", _state("caisson-test-a")),
        ("", ""),
    ],
)
def test_records_of_other_clouds_stay(tmp_path: pathlib.Path, copy: str, state: str) -> None:
    before = _host(tmp_path, copy, state)
    assert records.clear(tmp_path) == ""
    assert _files(tmp_path) == before
