# SPDX-License-Identifier: Apache-2.0
"""Results of tests for people and for programs."""

from __future__ import annotations

from xml.etree import ElementTree

from ansible_collections.caisson.openstack.plugins.plugin_utils.output.test_results import TestResult, junit, summary

RESULTS = [
    TestResult("suite.api.Servers.test_boot", "passed", 12.25),
    TestResult("suite.api.Servers.test_list", "passed", 0.5),
    TestResult("suite.api.Servers.test_resize", "skipped", 0.0, "no second host"),
    TestResult("suite.api.Volumes.test_attach", "excluded", 0.0, "no volumes"),
    TestResult("suite.api.Volumes.test_detach", "excluded", 0.0, "no volumes"),
    TestResult("suite.api.Servers.test_stop", "failed", 3.0, "it <ran> on", "Traceback\n\x1b[31m& more"),
]


def test_people_see_counts_reasons_the_slowest_and_failures() -> None:
    assert summary(RESULTS) == [
        "2 passed, 1 skipped, 2 excluded, 1 failed",
        "skipped 1: no second host",
        "excluded 2: no volumes",
        "slow 12.2 s: suite.api.Servers.test_boot",
        "slow 3.0 s: suite.api.Servers.test_stop",
        "slow 0.5 s: suite.api.Servers.test_list",
        "FAILED suite.api.Servers.test_stop: it <ran> on",
    ]


def test_no_more_than_the_ten_slowest_are_named() -> None:
    many = [TestResult(f"test_{number}", "passed", float(number)) for number in range(1, 31)]
    assert [line.split()[-1] for line in summary(many)[1:]] == [f"test_{number}" for number in range(30, 20, -1)]


def test_programs_get_valid_xml_with_every_test() -> None:
    root = ElementTree.fromstring(junit(RESULTS, "cloud"))
    assert root.attrib == {"name": "cloud", "tests": "6", "failures": "1", "skipped": "3", "time": "15.750"}
    cases = {case.get("name"): case for case in root}
    assert cases["test_boot"].attrib == {"classname": "suite.api.Servers", "name": "test_boot", "time": "12.250"}
    failure = cases["test_stop"].find("failure")
    assert failure is not None
    # a control character of a console has no place in XML
    assert (failure.get("message"), failure.text) == ("it <ran> on", "Traceback\n?[31m& more")
    assert {name for name, case in cases.items() if case.find("skipped") is not None} == {"test_resize", "test_attach", "test_detach"}
