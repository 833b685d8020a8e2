# SPDX-License-Identifier: Apache-2.0
"""Results of a run of tests: what to tell people, and what to give to programs. Pure."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t
from xml.etree import ElementTree

_SLOWEST = 10
#: What XML cannot hold.
_CONTROL = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")


@dataclasses.dataclass
class TestResult:
    """How one test ended; ``seconds`` that it took, ``details`` of a failure."""

    __test__ = False

    name: str
    status: t.Literal["passed", "skipped", "excluded", "failed"]
    seconds: float = 0.0
    reason: str = ""
    details: str = ""


def counts(results: t.Iterable[TestResult]) -> dict[str, int]:
    """Return how many tests ended in which way, always in the same order."""
    found = collections.Counter(result.status for result in results)
    return {status: found[status] for status in ("passed", "skipped", "excluded", "failed")}


def summary(results: t.Sequence[TestResult]) -> list[str]:
    """Return lines that fit a screen: counts, reasons of what did not run, slowest tests, failures."""
    lines = [", ".join(f"{number} {status}" for status, number in counts(results).items())]
    for status in ("skipped", "excluded"):
        reasons = collections.Counter(result.reason for result in results if result.status == status)
        lines += [f"{status} {number}: {reason}" for reason, number in reasons.most_common()]
    slowest = sorted((result for result in results if result.seconds), key=lambda result: -result.seconds)[:_SLOWEST]
    lines += [f"slow {result.seconds:.1f} s: {result.name}" for result in slowest]
    return lines + [f"FAILED {result.name}: {result.reason}" for result in results if result.status == "failed"]


def junit(results: t.Sequence[TestResult], suite: str) -> str:
    """Return the results as a JUnit document; an excluded test counts as skipped."""
    number = counts(results)
    root = ElementTree.Element(
        "testsuite",
        name=suite,
        tests=str(len(results)),
        failures=str(number["failed"]),
        skipped=str(number["skipped"] + number["excluded"]),
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        group, _dot, name = result.name.rpartition(".")
        case = ElementTree.SubElement(root, "testcase", classname=group, name=name, time=f"{result.seconds:.3f}")
        if result.status == "failed":
            ElementTree.SubElement(case, "failure", message=_text(result.reason)).text = _text(result.details)
        elif result.status != "passed":
            ElementTree.SubElement(case, "skipped", message=_text(result.reason))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _text(value: str) -> str:
    return _CONTROL.sub("?", value)
