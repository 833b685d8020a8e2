# SPDX-License-Identifier: Apache-2.0
"""Figures from the files that the prober writes."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.prober import answers


def _row(second: int) -> dict[str, t.Any]:
    values = {"asked": 1, "failed": 0, "retried": 0, "slowest": 0.1, "error": ""}
    return {"second": second, "what": "compute", "kind": "read", **values}


def _write(path: pathlib.Path, *rows: t.Mapping[str, t.Any]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.mark.parametrize(("since", "begin", "asked"), [(None, 100.0, 2), (102.0, 102.0, 1)])
def test_figures_come_from_both_files_and_begin_when_the_prober_started(
    tmp_path: pathlib.Path, since: float | None, begin: float, asked: int
) -> None:
    _write(tmp_path / f"{answers.FILE}.1", {"kind": "start", "begin": 100.0}, _row(101))
    _write(tmp_path / answers.FILE, _row(102))
    figures = answers.figures(tmp_path, since, 110.0)
    assert (figures.since, figures.until, figures.apis["compute"].asked) == (begin, 110.0, asked)


def test_a_directory_without_answers_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=f"no prober has written to {tmp_path}; start it first"):
        answers.figures(tmp_path, None, None)
