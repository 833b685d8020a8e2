# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import datetime
import random

import pytest

from ansible_collections.caisson.openstack.plugins.module_utils.output import log_lines

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def line(second: int, container: str = "nova_api", host: str = "control1", request: str = "req-aaaa", text: str = "text") -> str:
    return f"2026-01-02T03:04:{second:02}.678Z INFO {container.split('_')[0]} {container} {host} [{request}] {text}\n"


def texts(entries: list[log_lines.Entry]) -> list[str]:
    return [f"{entry.time[17:19]} {entry.container}" for entry in entries]


def test_a_line_has_its_fields() -> None:
    assert log_lines.parse(line(5, text="a [b] c")) == log_lines.Entry(
        "2026-01-02T03:04:05.678Z", "INFO", "nova", "nova_api", "control1", "[req-aaaa] a [b] c"
    )
    assert log_lines.parse("something else\n") is None


def test_a_request_is_found_by_its_global_id_and_in_texts() -> None:
    what = log_lines.wanted("req-aaaa", "", "", NOW)
    lines = [line(1), line(2, request="req-bbbb"), line(3, request="req-aaaa req-cccc"), line(4, request="-", text="for req-aaaa")]
    assert texts(log_lines.select(lines, what, 9)[0]) == ["01 nova_api", "03 nova_api", "04 nova_api"]


@pytest.mark.parametrize(
    ("since", "begin"),
    [
        ("15m", "2026-01-02T02:49:05"),
        ("2h", "2026-01-02T01:04:05"),
        ("2026-01-02T03:04Z", "2026-01-02T03:04"),
        ("2026-01-02", "2026-01-02"),
    ],
)
def test_a_time_may_be_an_age(since: str, begin: str) -> None:
    assert log_lines.wanted("", since, "", NOW).since == begin


@pytest.mark.parametrize(("service", "found"), [("nova", ["01 nova_api"]), ("neutron_api", ["02 neutron_api"]), ("api", [])])
def test_a_service_is_its_name_or_that_of_a_container(service: str, found: list[str]) -> None:
    assert texts(log_lines.select([line(1), line(2, "neutron_api")], log_lines.wanted("", "", service, NOW), 9)[0]) == found


@pytest.mark.parametrize(
    ("request_id", "since", "message"),
    [("", "", "select lines"), ("0a1b", "", "is not a request id"), ("", "soon", "neither an age"), ("", "9999999999999d", "too long ago")],
)
def test_what_cannot_be_meant_is_refused(request_id: str, since: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        log_lines.wanted(request_id, since, "", NOW)


def test_the_latest_lines_are_kept() -> None:
    order = list(range(10))
    random.Random(1).shuffle(order)
    entries, left_out = log_lines.select(map(line, order), log_lines.wanted("req-aaaa", "", "", NOW), 3)
    assert [entry.time[17:19] for entry in entries] == ["07", "08", "09"]
    assert left_out == 7


def test_hosts_are_merged_by_time_and_shown_in_columns() -> None:
    hosts = [[log_lines.parse(line(1)), log_lines.parse(line(3))], [log_lines.parse(line(2, "neutron_rpc", "c2"))]]
    entries = log_lines.merge([entry for entry in host if entry] for host in hosts)
    assert texts(entries) == ["01 nova_api", "02 neutron_rpc", "03 nova_api"]
    assert log_lines.table(entries)[1] == "2026-01-02T03:04:02.678Z  c2        neutron_rpc  INFO      [req-aaaa] text"
    assert log_lines.summary(entries) == "3 lines from 2 hosts: nova 2, neutron 1"
    assert "no such line" in log_lines.summary([])
